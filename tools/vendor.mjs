// Recreates flowctl/static/vendor and the vendored test files from tools/vendor.lock.json.
// Development only: `node tools/vendor.mjs` (writes) or `node tools/vendor.mjs --check` (compares).
// Nobody needs Node to install, run or package flowctl.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const VENDOR = join(ROOT, 'flowctl/static/vendor');
const LOCK = join(ROOT, 'tools/vendor.lock.json');

const ENTRY = `
export { h, render, Fragment, Component, createRef } from 'preact';
export { useState, useEffect, useLayoutEffect, useMemo, useCallback, useRef } from 'preact/hooks';
export { signal, computed, effect, batch, useSignal, useComputed, useSignalEffect } from '@preact/signals';
import { h } from 'preact';
import htm from 'htm';
export const html = htm.bind(h);
`;

/** @param {string | Buffer} data */
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
const work = mkdtempSync(join(tmpdir(), 'flowctl-vendor-'));
try {
  const wanted = Object.entries(lock.packages).map(([name, entry]) => `${name}@${entry.version}`);
  writeFileSync(join(work, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', ...wanted], { cwd: work, stdio: 'ignore' });
  const installed = JSON.parse(readFileSync(join(work, 'package-lock.json'), 'utf8')).packages;
  for (const [name, entry] of Object.entries(lock.packages)) {
    const { version, integrity } = installed[`node_modules/${name}`];
    if (version !== entry.version || integrity !== entry.integrity) {
      throw new Error(`${name}: expected ${entry.version} ${entry.integrity}, the registry gave ${version} ${integrity}`);
    }
  }
  writeFileSync(join(work, 'entry.js'), ENTRY);
  const esbuild = join(work, 'node_modules/.bin/esbuild');
  const bundle = join(work, 'preact.js');
  execFileSync(esbuild, ['entry.js', '--bundle', '--format=esm', '--minify', '--target=es2022', '--legal-comments=none', `--outfile=${bundle}`], { cwd: work, stdio: 'ignore' });

  const outputs = [
    [bundle, join(VENDOR, 'preact.js')],
    [join(work, 'node_modules/axe-core/axe.min.js'), join(ROOT, 'tests/ui/vendor/axe.min.js')],
  ];
  const check = process.argv.includes('--check');
  for (const [from, to] of outputs) {
    if (check) {
      if (!existsSync(to) || sha256(readFileSync(from)) !== sha256(readFileSync(to))) throw new Error(`${to} differs`);
      continue;
    }
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
  if (!check) writeFileSync(join(VENDOR, 'VENDOR.md'), vendorTable(outputs.map(([, to]) => to)));
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** @param {string[]} files */
function vendorTable(files) {
  const rows = (/** @type {(entry: any) => boolean} */ keep) =>
    Object.entries(lock.packages)
      .filter(([, entry]) => keep(entry))
      .map(([name, entry]) => `| ${name} | ${entry.version} | ${entry.licence} | ${entry.use} |`)
      .join('\n');
  const hashes = files.map((file) => `| \`${file.slice(ROOT.length + 1)}\` | \`${sha256(readFileSync(file))}\` |`).join('\n');
  return `# Vendored code

Made by \`node tools/vendor.mjs\` from \`tools/vendor.lock.json\`; do not edit by hand. A test compares the hashes.

| package | version | licence | use |
|---|---|---|---|
${rows(() => true)}

| file | SHA-256 |
|---|---|
${hashes}
`;
}
