// One visit to a crane's server with node-opcua: browse, read, write, call, subscribe, events.
// Arguments: URL, user, password, "None" or "Basic256Sha256", container number. Prints JSON.
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const opcua = require("node-opcua-client");
const { OPCUAClient, UserTokenType, AttributeIds, DataType, MessageSecurityMode, SecurityPolicy,
  TimestampsToReturn, ClientSubscription, ClientMonitoredItem, Variant, StatusCodes,
  constructEventFilter } = opcua;

const [url, user, password, policy, box] = process.argv.slice(2);
const secure = policy !== "None";
const client = OPCUAClient.create({
  applicationName: "foreign", endpointMustExist: false, keepSessionAlive: true,
  securityMode: secure ? MessageSecurityMode.SignAndEncrypt : MessageSecurityMode.None,
  securityPolicy: secure ? SecurityPolicy.Basic256Sha256 : SecurityPolicy.None,
  connectionStrategy: { maxRetry: 1, initialDelay: 100, maxDelay: 200 },
});
const out = {};
const fail = (error) => { console.log(JSON.stringify({ error: String(error.message ?? error) })); process.exit(0); };
setTimeout(() => fail(new Error("the visit took more than 60 s")), 60000).unref();
try {
  await client.connect(url);
  out.endpoints = (await client.getEndpoints()).map((e) => e.securityPolicyUri.split("#")[1]);
  const session = await client.createSession(
    user ? { type: UserTokenType.UserName, userName: user, password } : { type: UserTokenType.Anonymous });
  const array = await session.readNamespaceArray();
  out.namespaces = array;
  const g = array.indexOf("urn:gatetwin:crane"), c = array.indexOf("http://opcfoundation.org/UA/CranesHoists/");
  const m = array.indexOf("http://opcfoundation.org/UA/Machinery/"), r = array.indexOf("http://opcfoundation.org/UA/Robotics/");
  const d = array.indexOf("http://opcfoundation.org/UA/DI/");
  const walk = async (path) => {
    const { makeBrowsePath } = opcua;
    const found = await session.translateBrowsePath(makeBrowsePath("RootFolder", path));
    return found.targets?.length ? found.targets[0].targetId : null;
  };
  const machine = `/Objects/${m}:Machines/${g}:crane-1`;
  const axis = `${machine}.${r}:MotionDevices.${g}:Hoist.${r}:Axes.${g}:HoistAxis`;
  const system = await walk(machine);
  out.path = String(await walk(`${axis}.${d}:ParameterSet.${r}:ActualPosition`));
  const browsed = await session.browse({ nodeId: system, referenceTypeId: "HierarchicalReferences", includeSubtypes: true, resultMask: 63 });
  out.children = browsed.references.map((x) => x.browseName.toString()).sort();
  const typed = await session.browse({ nodeId: system, referenceTypeId: "HasTypeDefinition", resultMask: 63 });
  out.type = [typed.references[0].nodeId.namespace === c, typed.references[0].nodeId.value, typed.references[0].browseName.name];
  const id = (name) => `ns=${g};s=crane-1.${name}`;
  const read = async (name) => (await session.read({ nodeId: id(name), attributeId: AttributeIds.Value }));
  const place = await read("hoist.place");
  out.place = [place.value.value, DataType[place.value.dataType], place.statusCode.name, place.sourceTimestamp.toISOString()];
  const unit = await session.read({ nodeId: id("hoist.place.EngineeringUnits"), attributeId: AttributeIds.Value });
  out.unit = [unit.value.value.unitId, unit.value.value.displayName.text];
  out.heat = (await read("hoist.heat")).statusCode.name;
  out.mode = (await read("mode")).value.value;
  const enums = await session.read({ nodeId: `ns=${c};i=6001`, attributeId: AttributeIds.Value });
  out.enumValues = enums.value.value.map((x) => x.displayName.text);
  const write = async (name, dataType, value) => (await session.write({ nodeId: id(name), attributeId: AttributeIds.Value,
    value: { value: new Variant({ dataType, value }) } })).name;
  out.write = await write("gantry.plus", DataType.Double, 80.0);
  out.written = (await read("gantry.plus")).value.value;
  out.tooMuch = await write("gantry.plus", DataType.Double, 180.0);
  out.wrongType = await write("gantry.plus", DataType.String, "80");
  out.readOnly = await write("hoist.place", DataType.Double, 3.0);
  const call = async (name, args) => {
    const result = await session.call({ objectId: id("missions"), methodId: id(name), inputArguments: args });
    return [result.statusCode.name, ...(result.outputArguments ?? []).map((x) => x.value)];
  };
  const text = (value) => new Variant({ dataType: DataType.String, value });
  const seen = [], events = [];
  const subscription = ClientSubscription.create(session, { requestedPublishingInterval: 50, requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 10, publishingEnabled: true });
  const item = ClientMonitoredItem.create(subscription, { nodeId: id("hoist.place"), attributeId: AttributeIds.Value },
    { samplingInterval: 50, queueSize: 1000, discardOldest: false }, TimestampsToReturn.Both);
  item.on("changed", (value) => seen.push([value.value.value, value.sourceTimestamp.getTime()]));
  const filter = constructEventFilter(["Message", "Severity", "Time", `${g}:MissionId`]);
  const watcher = ClientMonitoredItem.create(subscription, { nodeId: system, attributeId: AttributeIds.EventNotifier },
    { samplingInterval: 0, queueSize: 100, discardOldest: false, filter }, TimestampsToReturn.Both);
  watcher.on("changed", (fields) => events.push([fields[0].value.text, fields[1].value]));
  await new Promise((resolve) => setTimeout(resolve, 300));
  out.missing = await call("StartMission", [text("m1")]);
  out.wrong = await call("StartMission", [text("m1"), text("NOT A BOX"), text("truck-1"), text("igv-1"), new Variant({ dataType: DataType.Double, value: 0 })]);
  out.start = await call("StartMission", [text("m1"), text(box), text("truck-1"), text("igv-1"), new Variant({ dataType: DataType.Double, value: 24000 })]);
  for (let i = 0; i < 400 && out.start[1] === true && !events.some(([what]) => /done|failed|suspended/.test(what)); i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  out.events = events;
  out.samples = seen.length;
  out.lowest = Math.min(...seen.map((x) => x[0]));
  out.ordered = seen.every((x, i) => i === 0 || x[1] >= seen[i - 1][1]);
  out.box = (await read("spreader.box")).value.value;
  await subscription.terminate();
  await session.close();
  await client.disconnect();
  console.log(JSON.stringify(out));
  process.exit(0);
} catch (error) { fail(error); }
