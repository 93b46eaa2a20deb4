({ answers, schemas }) => {
  // Runs before the page's own scripts: what JSON.parse makes of an answer is watched by the schema of its address.
  const addresses = new Map(), seen = new WeakMap(), { parse } = JSON, { text } = Response.prototype;

  const whole = (schema) => {
    if (schema?.$ref) return whole(schemas[schema.$ref.split("/").at(-1)]);
    const choice = (schema?.anyOf ?? schema?.allOf)?.find((one) => one.type !== "null");
    return choice ? whole(choice) : schema ?? {};
  };

  const part = (schema, found, name, path) => {
    if (Array.isArray(found)) return schema.items ?? {};
    if (schema.properties?.[name]) return schema.properties[name];
    if (typeof schema.additionalProperties === "object") return schema.additionalProperties;
    const promised = !schema.properties || (schema.additionalProperties === true && name in found);
    if (!promised && !(name in Object.prototype) && name !== "then" && name !== "toJSON") console.error(`the page reads '${name}' of ${path}, which the contract does not promise`);
    return {};
  };

  const watched = (found, given, path) => {
    if (found === null || typeof found !== "object") return found;
    if (seen.has(found)) return seen.get(found);
    const schema = whole(given);
    const made = new Proxy(found, { get: (target, name) => (typeof name === "symbol" || (Array.isArray(target) && !/^\d+$/.test(name)) ? target[name] : watched(target[name], part(schema, target, name, path), `${path}.${name}`)) });
    seen.set(found, made);
    return made;
  };

  Response.prototype.text = async function read() {
    const found = await text.call(this);
    addresses.set(found, new URL(this.url).pathname);
    return found;
  };
  JSON.parse = (words, ...others) => {
    const found = parse(words, ...others), address = addresses.get(words);
    const schema = address && answers.find(([pattern]) => new RegExp(pattern).test(address))?.[1];
    if (schema) globalThis.watchedAnswers = (globalThis.watchedAnswers ?? 0) + 1;
    return schema ? watched(found, schema, address) : found;
  };
}
