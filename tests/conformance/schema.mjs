// Goal: the JSON Schema accepts every scenario, template and file of stages, and refuses every broken file that a schema can refuse.
// Method: Ajv (draft 2020-12, strict) over what the `yaml` package reads (YAML 1.2 core, no duplicate keys). What only the
// loader can refuse (names that must exist, expressions, times, places) is listed in schema.loader-only: a file there that
// the schema refuses has to leave the list, one that is not there must be refused.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const [, , sim, modules, given, summary] = process.argv;
const root = resolve(given);
const require = createRequire(join(modules, 'package.json'));
const Ajv = require('ajv/dist/2020').default;
const YAML = require('yaml');

const schema = JSON.parse(execFileSync(sim, ['schema'], { maxBuffer: 1 << 28 }));
const validate = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: false }).compile(schema);
const results = [];
const note = (good, name, why = '') => results.push({ good, name, why });

const files = (folder) =>
  readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : name.endsWith('.yaml') ? [path] : [];
  });

// The first error, or nothing.
function refusal(path) {
  const document = YAML.parseDocument(readFileSync(path, 'utf8'), { version: '1.2', uniqueKeys: true });
  if (document.errors.length) return document.errors[0].message.split('\n')[0];
  let tree;
  try {
    tree = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return error.message;
  }
  if (validate(tree)) return undefined;
  return validate.errors.map((e) => `${e.instancePath} ${e.message}`).join('; ');
}

const good = [...files(join(root, 'scenarios')), ...files(join(root, 'fixtures/scenarios/good'))]
  .filter((path) => /^(scenario|template|stages):/m.test(readFileSync(path, 'utf8')));
for (const path of good) {
  const why = refusal(path);
  note(!why, `accepts ${path.slice(root.length + 1)}`, why);
}
const listed = new Set(readFileSync(join(root, 'tests/conformance/schema.loader-only'), 'utf8')
  .split('\n').filter((line) => line && !line.startsWith('#')));
for (const path of files(join(root, 'fixtures/scenarios/broken'))) {
  const name = basename(path, '.yaml');
  const why = refusal(path);
  if (listed.has(name)) note(!why, `leaves ${name} to the loader`, `the schema refuses it: take it off the list: ${why}`);
  else note(why, `refuses ${name}`);
  listed.delete(name);
}
for (const name of listed) note(false, `knows ${name}`, 'it is on the list, but there is no such file');

// What editors show: every field has its description.
let fields = 0;
let silent = 0;
(function walk(node) {
  if (!node || typeof node !== 'object') return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties' && !Array.isArray(value))
      for (const field of Object.values(value)) {
        if (field.const !== undefined || field.type || field.required) continue;
        fields++;
        if (!field.description) silent++;
      }
    walk(value);
  }
})(schema);
note(fields > 100 && silent === 0, 'describes every field', `${silent} of ${fields} have no description`);

const bad = results.filter((r) => !r.good);
for (const r of bad) console.log(`FAIL    ${r.name}: ${r.why}`);
const line = `schema: ${results.length} checks: ${results.length - bad.length} passed, ${bad.length} failed`;
console.log(line);
writeFileSync(summary, `${line}\n`);
process.exit(bad.length ? 1 : 0);
