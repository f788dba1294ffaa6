// A form made from a JSON schema, with errors beside the fields.

import { html, useState } from '../../vendor/preact.js';
import { Icon, Lazy, prose } from './controls.js';
import { Unparsed, initialValue, problems, resolve, shapeOf } from './schema.js';

/** @param {{title: string, description: string, schema: any, submit: string, close: (value?: any) => void}} props */
export function SchemaDialog({ title, description, schema, submit, close }) {
  const [value, setValue] = useState(() => initialValue(schema, schema) ?? {});
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    const found = problems(schema, schema, value, true);
    setErrors(found);
    if (!Object.keys(found).length) close(value);
    else requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('dialog .has-error'))?.focus());
  };
  return html`<form onSubmit=${send} novalidate><h2>${title}</h2>
    ${description && html`<div class="dialog-text"><${Lazy} from=${prose} name="Markdown" quiet text=${description} /></div>`}
    <${SchemaFields} schema=${schema} value=${value} errors=${errors} setValue=${setValue} setErrors=${setErrors} />
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Not now</button><button class="btn primary">${submit}</button></div></form>`;
}

/**
 * The fields of a schema's properties, in the order of `position` where it is given.
 * @param {{schema: any, value: any, errors: Record<string, string>, setValue: (next: (old: any) => any) => void, setErrors: (next: (old: any) => any) => void}} props
 */
export function SchemaFields({ schema, value, errors, setValue, setErrors }) {
  const root = resolve(schema, schema);
  const fields = Object.entries(root.properties ?? {}).sort(([, a], [, b]) => (a.position ?? 0) - (b.position ?? 0));
  return html`${fields.map(([name, child]) => html`<${Field} key=${name} name=${name} path=${name} schema=${child} root=${root} required=${(root.required ?? []).includes(name)} value=${value[name]} errors=${errors}
    onChange=${(next) => { setValue((old) => put(old, name, next)); setErrors((old) => Object.fromEntries(Object.entries(old).filter(([path]) => path !== name && !path.startsWith(`${name}.`)))); }} />`)}`;
}

/** @param {any} object @param {string} name @param {any} value */
function put(object, name, value) {
  const next = { ...object };
  if (value === undefined) delete next[name];
  else next[name] = value;
  return next;
}

/** @param {{name: string, path: string, schema: any, root: any, required: boolean, value: any, errors: Record<string, string>, onChange: (value: any) => void}} props */
function Field({ name, path, schema, root, required, value, errors, onChange }) {
  const shape = shapeOf(schema, root, name);
  const error = errors[path];
  const id = `field-${path}`;
  const label = html`<span class="field-label">${shape.title}${required ? html` <span class="s-failed" title="Required">*</span>` : ''}</span>`;
  const notes = html`${shape.description && html`<small>${shape.description}</small>`}${error && html`<small class="field-error" id="${id}-error" role="alert">${error}</small>`}`;
  const common = { id, class: error ? 'has-error' : '', 'aria-invalid': error ? 'true' : undefined, 'aria-describedby': error ? `${id}-error` : undefined };

  if (shape.kind === 'boolean' && !shape.nullable) {
    return html`<div class="field"><label class="check"><input type="checkbox" ...${common} checked=${Boolean(value)} onChange=${(e) => onChange(e.target.checked)} />${label}</label>${notes}</div>`;
  }
  if (shape.kind === 'object') {
    const at = shape.schema;
    return html`<fieldset class="field"><legend>${shape.title}</legend>${notes}${Object.entries(at.properties).map(([child, childSchema]) => html`<${Field} key=${child} name=${child} path="${path}.${child}" schema=${childSchema} root=${root}
      required=${(at.required ?? []).includes(child)} value=${value?.[child]} errors=${errors} onChange=${(next) => onChange(put(value ?? {}, child, next))} />`)}</fieldset>`;
  }
  if (shape.kind === 'array') {
    const items = Array.isArray(value) ? value : [];
    return html`<fieldset class="field"><legend>${shape.title}</legend>${notes}${items.map((item, i) => html`<div class="array-item" key=${i}><${Field} name="${name} ${i + 1}" path="${path}.${i}" schema=${{ ...shape.schema.items, title: `${i + 1}` }} root=${root} required=${true} value=${item} errors=${errors}
        onChange=${(next) => onChange(items.map((old, at) => (at === i ? next : old)))} /><button type="button" class="btn ghost icon-only" aria-label="Remove ${i + 1}" onClick=${() => onChange(items.filter((_, at) => at !== i))}><${Icon} name="close" /></button></div>`)}
      <p><button type="button" class="btn small" onClick=${() => onChange([...items, initialValue(shape.schema.items, root) ?? (resolve(shape.schema.items, root).type === 'string' ? '' : undefined)])}>Add</button></p></fieldset>`;
  }
  let input;
  if (shape.kind === 'enum' || shape.kind === 'boolean') {
    const choices = shape.kind === 'boolean' ? [true, false] : shape.choices ?? [];
    input = html`<select ...${common} value=${value === undefined || value === null ? '' : String(choices.indexOf(value))} onChange=${(e) => onChange(e.target.value === '' ? (shape.nullable ? null : undefined) : choices[Number(e.target.value)])}>
      <option value="">${shape.nullable ? 'None' : 'Choose…'}</option>${choices.map((choice, i) => html`<option key=${i} value=${String(i)}>${String(choice)}</option>`)}</select>`;
  } else if (shape.kind === 'number' || shape.kind === 'integer') {
    input = html`<input type="number" step=${shape.kind === 'integer' ? 1 : 'any'} ...${common} value=${value ?? ''} onInput=${(e) => onChange(e.target.value === '' ? (shape.nullable ? null : undefined) : Number(e.target.value))} />`;
  } else if (shape.kind === 'datetime') {
    input = html`<input type="datetime-local" step="1" ...${common} value=${value ? localTime(value) : ''} onInput=${(e) => onChange(e.target.value ? new Date(e.target.value).toISOString() : undefined)} />`;
  } else if (shape.kind === 'json') {
    const text = value instanceof Unparsed ? value.text : value === undefined ? '' : JSON.stringify(value, null, 2);
    input = html`<textarea ...${common} spellcheck=${false} placeholder="JSON" onInput=${(e) => onChange(parse(e.target.value))}>${text}</textarea>`;
  } else if (shape.kind === 'text') {
    input = html`<textarea ...${common} value=${value ?? ''} onInput=${(e) => onChange(e.target.value)}></textarea>`;
  } else {
    input = html`<input type=${shape.schema.format === 'password' ? 'password' : 'text'} ...${common} value=${value ?? ''} autocomplete="off" onInput=${(e) => onChange(e.target.value === '' && shape.nullable ? null : e.target.value)} />`;
  }
  return html`<div class="field"><label class="field-label" for=${id}>${label}</label>${input}${notes}</div>`;
}

/** @param {string} text */
function parse(text) {
  if (!text.trim()) return undefined;
  try { return JSON.parse(text); } catch { return new Unparsed(text); }
}

/** @param {string} value */
function localTime(value) {
  const date = new Date(value);
  return Number.isNaN(+date) ? '' : new Date(+date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
