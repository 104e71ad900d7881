import { isUtf8 } from 'node:buffer';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasErrorCode, isSafePath, sentenceOf } from '@ergon/sandbox-core';
import { Failure } from './failure.js';

const descriptor = 'solution.json';
/** Main files that are found by themselves, the first one first. */
const mainFiles = ['main.py', 'solution.py', 'main.js', 'index.js', 'main.mjs', 'index.mjs', 'main.sh'] as const;
/** What tools keep beside a program. */
const skippedFolders = new Set(['.git', '.hg', '.svn', '__pycache__', 'node_modules', '.venv', 'venv']);
const maxBytes = 64 * 1024 ** 2;
const maxFiles = 10_000;

/** A unit of the registry, as `POST /store` takes it. */
export interface SolutionUnit {
  readonly id?: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface ReadSolution {
  readonly unit: SolutionUnit;
  /** What does not go into the sandbox, and why: sentences. */
  readonly leftOut: readonly string[];
}

/**
 * Reads a folder, or one file, as a solution. `solution.json` there is its unit; without one, the main file is found by its name.
 * @param needsMain false: a command was given, which runs whatever it likes
 * @throws Failure
 */
export async function readSolution(path: string, needsMain: boolean): Promise<ReadSolution> {
  const real = await realpath(path).catch((error: unknown) => {
    throw new Failure(
      hasErrorCode(error, 'ENOENT')
        ? `There is no folder or file "${path}".`
        : `"${path}" cannot be read: ${sentenceOf(error)}.`,
      'Give the folder that holds the program, e.g. "ergon-sandbox run .".',
    );
  });
  const there = await stat(real);
  const isFile = there.isFile();
  if (!isFile && !there.isDirectory()) {
    throw new Failure(`"${path}" is neither a folder nor a file.`, 'Give the folder that holds the program.');
  }
  const read = isFile ? await new Reader(dirname(real)).readFile(basename(real)) : await new Reader(real).readAll();
  const { descriptorText, leftOut } = read;
  const files = Object.fromEntries(read.files);
  const name = basename(real) || 'solution';
  if (descriptorText !== null) {
    const { content, ...fields } = parseDescriptor(join(path, descriptor), descriptorText);
    return { unit: { type: 'solution', name, version: '1.0.0', ...fields, content: { ...content, files } }, leftOut };
  }
  const main = isFile ? name : mainFiles.find((file) => file in files);
  if (main === undefined && needsMain) {
    throw new Failure(
      `"${path}" has no main file: none of ${mainFiles.join(', ')}, and no ${descriptor}.`,
      'Say what to run after "--", e.g. "ergon-sandbox run . -- python app.py".',
    );
  }
  const content = { ...(main !== undefined && { main_file: main }), files };
  return { unit: { type: 'solution', name, version: '1.0.0', content }, leftOut };
}

interface Found {
  readonly files: ReadonlyMap<string, string>;
  readonly descriptorText: string | null;
  readonly leftOut: readonly string[];
}

class Reader {
  readonly #files = new Map<string, string>();
  readonly #leftOut: string[] = [];
  #descriptorText: string | null = null;
  #bytes = 0;

  constructor(private readonly root: string) {}

  async readAll(): Promise<Found> {
    await this.#readFolder('');
    return this.#found();
  }

  async readFile(name: string): Promise<Found> {
    await this.#readFile(name);
    return this.#found();
  }

  #found(): Found {
    return { files: this.#files, descriptorText: this.#descriptorText, leftOut: this.#leftOut };
  }

  async #readFolder(folder: string): Promise<void> {
    const entries = await reading(join(this.root, folder), (path) => readdir(path, { withFileTypes: true }));
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (skippedFolders.has(entry.name)) {
          if (entry.name !== '__pycache__' && !entry.name.startsWith('.')) this.#leftOut.push(`${path}/ is left out.`);
        } else await this.#readFolder(path);
      } else if (!entry.isFile()) this.#leftOut.push(`${path} is left out: it is a link or a special file.`);
      else if (!isSafePath(path)) this.#leftOut.push(`${path} is left out: its name cannot be a path in a sandbox.`);
      else await this.#readFile(path);
    }
  }

  async #readFile(path: string): Promise<void> {
    const file = join(this.root, path);
    const { size } = await reading(file, (name) => stat(name));
    this.#bytes += size;
    if (this.#bytes > maxBytes) throw tooMuch(this.root, `more than ${maxBytes / 1024 ** 2} MiB`);
    if (this.#files.size >= maxFiles) throw tooMuch(this.root, `more than ${maxFiles} files`);
    const bytes = await reading(file, (name) => readFile(name));
    if (path === descriptor) this.#descriptorText = bytes.toString('utf8');
    else if (isUtf8(bytes)) this.#files.set(path, bytes.toString('utf8'));
    else this.#leftOut.push(`${path} is left out: it is not text in UTF-8.`);
  }
}

async function reading<Value>(path: string, read: (path: string) => Promise<Value>): Promise<Value> {
  try {
    return await read(path);
  } catch (error) {
    const hint = 'Make it readable, or take it out of the folder.';
    throw new Failure(`"${path}" cannot be read: ${sentenceOf(error)}.`, hint);
  }
}

function tooMuch(root: string, what: string): Failure {
  return new Failure(
    `"${root}" holds ${what}, which is too much for a solution.`,
    'Give a folder with the program alone.',
  );
}

function parseDescriptor(path: string, text: string): Record<string, unknown> & { content?: object } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure(`"${path}" is not JSON: ${sentenceOf(error)}.`);
  }
  if (!isObject(value)) throw new Failure(`"${path}" must be a JSON object.`);
  const { content = {}, name, version, type, id, ...rest } = value;
  if (!isObject(content)) throw new Failure(`"${path}": "content" must be an object.`);
  const fields = { name, version, type, id };
  for (const [field, given] of Object.entries(fields)) {
    if (given !== undefined && typeof given !== 'string') throw new Failure(`"${path}": "${field}" must be text.`);
  }
  return { ...rest, ...Object.fromEntries(Object.entries(fields).filter(([, given]) => given !== undefined)), content };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
