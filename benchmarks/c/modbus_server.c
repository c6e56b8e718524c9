/* Reference server on libmodbus: one thread per connection, 100 holding registers.
 * Prints the port that it listens on and serves until its standard input ends.
 *
 *   gcc -O2 -pthread modbus_server.c -o modbus_server $(pkg-config --cflags --libs libmodbus)
 */
#include <arpa/inet.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static modbus_mapping_t *mapping;

static void *serve(void *argument)
{
    int sock = (int) (long) argument;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_t *m = modbus_new_tcp("127.0.0.1", 0);
    modbus_set_socket(m, sock);
    for (;;) {
        int size = modbus_receive(m, query);
        if (size < 0)
            break;
        if (size > 0 && modbus_reply(m, query, size, mapping) == -1)
            break;
    }
    modbus_close(m);
    modbus_free(m);
    return NULL;
}

static void *accept_all(void *argument)
{
    int listener = (int) (long) argument, one = 1;
    for (;;) {
        int sock = accept(listener, NULL, NULL);
        if (sock < 0)
            return NULL;
        setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *) (long) sock) == 0)
            pthread_detach(thread);
    }
}

int main(void)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    mapping = modbus_mapping_new(100, 100, 100, 100);
    if (listener < 0 || mapping == NULL || bind(listener, (struct sockaddr *) &at, sizeof at) ||
        listen(listener, 64) || getsockname(listener, (struct sockaddr *) &at, &size))
        return 2;
    for (int i = 0; i < 100; i++)
        mapping->tab_registers[i] = (uint16_t) (i * 257);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    pthread_t thread;
    if (pthread_create(&thread, NULL, accept_all, (void *) (long) listener) != 0)
        return 2;
    while (getchar() != EOF)
        ;
    return 0;
}
