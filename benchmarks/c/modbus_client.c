/* Closed-loop Modbus TCP client on libmodbus: N threads, one connection each, function 3 for
 * `registers` holding registers, for `seconds`. Prints completed requests, errors and seconds.
 *
 *   gcc -O2 -pthread modbus_client.c -o modbus_client $(pkg-config --cflags --libs libmodbus)
 *   ./modbus_client PORT CONNECTIONS SECONDS REGISTERS
 */
#include <errno.h>
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct worker {
    pthread_t thread;
    int port, registers;
    double seconds;
    long done, failed;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void *work(void *argument)
{
    struct worker *w = argument;
    uint16_t values[MODBUS_MAX_READ_REGISTERS];
    modbus_t *m = modbus_new_tcp("127.0.0.1", w->port);
    if (m == NULL || modbus_set_slave(m, 1) == -1 || modbus_connect(m) == -1) {
        w->failed = 1;
        return NULL;
    }
    double end = now_s() + w->seconds;
    while (now_s() < end) {
        if (modbus_read_registers(m, 0, w->registers, values) == w->registers)
            w->done++;
        else if (++w->failed > 10)
            break;
    }
    modbus_close(m);
    modbus_free(m);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: %s PORT CONNECTIONS SECONDS REGISTERS\n", argv[0]);
        return 2;
    }
    int count = atoi(argv[2]);
    struct worker *workers = calloc((size_t) count, sizeof *workers);
    if (workers == NULL)
        return 2;
    double began = now_s();
    for (int i = 0; i < count; i++) {
        workers[i].port = atoi(argv[1]);
        workers[i].seconds = atof(argv[3]);
        workers[i].registers = atoi(argv[4]);
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 2;
    }
    long done = 0, failed = 0;
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        done += workers[i].done;
        failed += workers[i].failed;
    }
    printf("%ld %ld %.6f\n", done, failed, now_s() - began);
    free(workers);
    return failed ? 1 : 0;
}
