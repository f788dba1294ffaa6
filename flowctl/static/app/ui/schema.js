// From a JSON schema to form fields and back.  Pure: `node --test` runs this file.

/**
 * @typedef {{kind: 'string' | 'text' | 'number' | 'integer' | 'boolean' | 'enum' | 'datetime' | 'object' | 'array' | 'json', title: string, description: string,
 *   nullable: boolean, schema: any, choices?: any[]}} Shape
 */

/** @param {any} schema @param {any} root @returns {any} */
export function resolve(schema, root) {
  let at = schema ?? {};
  for (let depth = 0; at.$ref && depth < 20; depth++) {
    const path = String(at.$ref).replace(/^#\//, '').split('/');
    const found = path.reduce((value, key) => value?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], root);
    if (!found) return at;
    const { $ref: _, ...rest } = at;
    at = { ...found, ...rest };
  }
  if (at.allOf?.length === 1) return resolve({ ...resolve(at.allOf[0], root), ...without(at, 'allOf') }, root);
  return at;
}

/** @param {any} object @param {string} key */
function without(object, key) {
  const { [key]: _, ...rest } = object;
  return rest;
}

/** @param {any} schema @param {any} root @param {string} name @returns {Shape} */
export function shapeOf(schema, root, name) {
  let at = resolve(schema, root);
  let nullable = false;
  const variants = at.anyOf ?? at.oneOf;
  if (variants) {
    const real = variants.map((/** @type {any} */ each) => resolve(each, root)).filter((/** @type {any} */ each) => each.type !== 'null');
    nullable = real.length < variants.length;
    if (real.length === 1) at = { ...real[0], title: at.title ?? real[0].title, description: at.description ?? real[0].description, default: at.default };
    else return { kind: 'json', title: at.title ?? name, description: at.description ?? '', nullable, schema: at };
  }
  if (Array.isArray(at.type)) {
    nullable = at.type.includes('null');
    const types = at.type.filter((/** @type {string} */ type) => type !== 'null');
    at = { ...at, type: types.length === 1 ? types[0] : undefined };
  }
  const base = { title: at.title ?? name, description: at.description ?? '', nullable, schema: at };
  if (at.const !== undefined) return { ...base, kind: 'enum', choices: [at.const] };
  if (at.enum) return { ...base, kind: 'enum', choices: at.enum };
  if (at.type === 'string') return { ...base, kind: at.format === 'date-time' ? 'datetime' : at.format === 'json-string' || (at.maxLength ?? 0) > 200 ? 'text' : 'string' };
  if (at.type === 'number' || at.type === 'integer' || at.type === 'boolean') return { ...base, kind: at.type };
  if (at.type === 'object' && at.properties && Object.keys(at.properties).length) return { ...base, kind: 'object' };
  if (at.type === 'array' && at.items && !Array.isArray(at.items)) return { ...base, kind: 'array' };
  return { ...base, kind: 'json' };
}

/** The value a form begins with. @param {any} schema @param {any} root @returns {any} */
export function initialValue(schema, root) {
  const shape = shapeOf(schema, root, '');
  const { schema: at } = shape;
  if (at.default !== undefined) return at.default;
  if (shape.kind === 'object') return Object.fromEntries(Object.entries(at.properties).map(([name, child]) => [name, initialValue(child, root)]).filter(([, value]) => value !== undefined));
  if (shape.kind === 'array') return [];
  if (shape.kind === 'boolean' && !shape.nullable) return false;
  if (shape.kind === 'enum' && shape.choices?.length === 1) return shape.choices[0];
  return undefined;
}

/**
 * What is wrong with a value, by field: `{"a.0.b": "This is required."}`.
 * @param {any} schema @param {any} root @param {any} value @param {boolean} required @param {string} [path]
 * @returns {Record<string, string>}
 */
export function problems(schema, root, value, required, path = '') {
  const shape = shapeOf(schema, root, '');
  const { schema: at } = shape;
  if (value === undefined || value === '') return required && !(value === '' && shape.kind === 'string' && !at.minLength) ? { [path]: 'This is required.' } : {};
  if (value === null) return shape.nullable || at.type === 'null' || shape.kind === 'json' ? {} : required ? { [path]: 'This is required.' } : {};
  switch (shape.kind) {
    case 'integer': if (!Number.isInteger(value)) return { [path]: 'A whole number is expected.' }; return bounds(at, value, path);
    case 'number': if (typeof value !== 'number' || Number.isNaN(value)) return { [path]: 'A number is expected.' }; return bounds(at, value, path);
    case 'string': case 'text':
      if (at.minLength && value.length < at.minLength) return { [path]: `At least ${at.minLength} characters.` };
      if (at.maxLength && value.length > at.maxLength) return { [path]: `At most ${at.maxLength} characters.` };
      if (at.pattern && !safeTest(at.pattern, value)) return { [path]: `It must match ${at.pattern}.` };
      return {};
    case 'json': return value instanceof Unparsed ? { [path]: 'This is not valid JSON.' } : {};
    case 'object': return Object.assign({}, ...Object.entries(at.properties).map(([name, child]) => problems(child, root, value?.[name], (at.required ?? []).includes(name), path ? `${path}.${name}` : name)));
    case 'array': return Object.assign({}, ...value.map((/** @type {any} */ item, /** @type {number} */ i) => problems(at.items, root, item, true, `${path}.${i}`)));
    default: return {};
  }
}

/** Text in a JSON field that does not parse (yet). */
export class Unparsed {
  /** @param {string} text */
  constructor(text) { this.text = text; }
}

/** @param {any} at @param {number} value @param {string} path */
function bounds(at, value, path) {
  if (at.minimum !== undefined && value < at.minimum) return { [path]: `At least ${at.minimum}.` };
  if (at.maximum !== undefined && value > at.maximum) return { [path]: `At most ${at.maximum}.` };
  if (at.exclusiveMinimum !== undefined && value <= at.exclusiveMinimum) return { [path]: `More than ${at.exclusiveMinimum}.` };
  if (at.exclusiveMaximum !== undefined && value >= at.exclusiveMaximum) return { [path]: `Less than ${at.exclusiveMaximum}.` };
  return {};
}

/** @param {string} pattern @param {string} text */
function safeTest(pattern, text) {
  try { return new RegExp(pattern, 'u').test(text); } catch { return true; }
}
