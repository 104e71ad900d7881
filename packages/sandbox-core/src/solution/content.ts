import { z } from 'zod';
import {
  commandField,
  cpuField,
  environmentField,
  imageField,
  memoryField,
  namedField,
  platformField,
  timeoutField,
  volumesField,
} from '../config/fields.js';
import { parseInput } from '../config/parse.js';
import { servicesField, type ServiceWishes } from '../config/services.js';
import type { SandboxConfig } from '../contract/config.js';
import { isSandboxError, SandboxError } from '../contract/error.js';
import type { StoredSolution } from '../contract/solution.js';

const maxFiles = 10_000;
const maxFileBytes = 64 * 1024 ** 2;

/** Relative, whole Unicode, no backslash, NUL, empty or dot segment; at most 1,024 bytes, 255 a segment. */
export function isSafePath(path: string): boolean {
  return (
    path.length > 0 &&
    Buffer.byteLength(path) <= 1024 &&
    !/\p{Surrogate}/u.test(path) &&
    !/[\\\0]/.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255)
  );
}

const pathMessage = 'must be a relative path without "..", ".", backslash or empty parts';
const pathField = z.string({ error: pathMessage }).refine(isSafePath, pathMessage);
const flag = z.boolean({ error: 'must be true or false' });

const contentSchema = z.object({
  code: z.string({ error: 'must be text' }).optional(),
  main_file: pathField.default('solution.py'),
  files: namedField(pathField, z.string({ error: 'must be text' }), 'must be an object of texts by path')
    .refine((files) => Object.keys(files).length <= maxFiles, 'must be at most 10,000 files')
    .optional(),
  run_command: commandField.optional(),
  test_command: commandField.optional(),
  requirements: z.union([z.array(z.string()), z.string()], { error: 'must be a list of requirements' }).optional(),
  requires_network: flag.optional(),
  requires_gpu: flag.optional(),
  requires_persistence: flag.optional(),
  volumes: volumesField.optional(),
  platform: platformField.optional(),
  memory_limit: memoryField.optional(),
  timeout: timeoutField.optional(),
  cpu_limit: cpuField.optional(),
  image: imageField.optional(),
  services: servicesField.optional(),
  environment: environmentField.optional(),
});

/** A solution that has been checked. */
export interface Solution {
  readonly id: string;
  /** Texts by relative path. */
  readonly files: ReadonlyMap<string, string>;
  /** Null: neither given nor to be had from the main file's ending. */
  readonly runCommand: readonly string[] | null;
  readonly testCommand: readonly string[] | null;
  readonly mainFile: string;
  /** By the main file's ending, or what the run command starts; chooses a default image. Undefined: no rule for it. */
  readonly language: SandboxConfig['language'];
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: { memoryBytes?: number | undefined; cpus?: number | undefined; timeoutMs?: number | undefined };
  readonly gpu: boolean;
  readonly persistence: boolean;
  /** Names. */
  readonly volumes: readonly string[];
  readonly network: boolean;
  readonly platform?: string | undefined;
  readonly image?: string | undefined;
  readonly services?: ServiceWishes | undefined;
  readonly requirements: readonly string[];
  /** Fields of the content that nobody here knows; a registry may keep more than we read. */
  readonly unknownFields: readonly string[];
}

/** @throws SandboxError SANDBOX008 with a sentence that names the field. */
export function parseSolution({ id, content }: StoredSolution): Solution {
  const parsed = parseInput(contentSchema, content, 'content');
  const files = new Map(Object.entries(parsed.files ?? {}));
  if (parsed.code !== undefined) {
    if (files.has(parsed.main_file) && files.get(parsed.main_file) !== parsed.code) {
      throw invalid('code', `differs from files["${parsed.main_file}"]; give one of them`);
    }
    files.set(parsed.main_file, parsed.code);
  }
  checkFiles(files);
  if (parsed.run_command === undefined && content.main_file !== undefined && !files.has(parsed.main_file)) {
    throw invalid('main_file', `"${parsed.main_file}" is not among the files, and there is no run_command`);
  }
  const byEnding = files.has(parsed.main_file) ? defaultCommand(parsed.main_file) : null;
  return {
    id,
    files,
    runCommand: parsed.run_command ?? byEnding,
    testCommand: parsed.test_command ?? null,
    mainFile: parsed.main_file,
    language: language(parsed.run_command?.[0], byEnding?.[0]),
    environment: parsed.environment ?? {},
    limits: {
      memoryBytes: parsed.memory_limit,
      cpus: parsed.cpu_limit,
      timeoutMs: parsed.timeout === undefined ? undefined : parsed.timeout * 1000,
    },
    gpu: parsed.requires_gpu ?? false,
    persistence: parsed.requires_persistence ?? false,
    volumes: parsed.volumes ?? [],
    network: parsed.requires_network ?? false,
    platform: parsed.platform,
    image: parsed.image,
    services: parsed.services,
    requirements: requirementLines(parsed.requirements),
    unknownFields: unknownFieldsOf(content),
  };
}

/**
 * Sentences on a solution's `content`: why no sandbox would be opened for it, and of fields that are not known here and so are ignored, one
 * of which may be a slip. At most 21.
 */
export function contentWarnings(content: Readonly<Record<string, unknown>>): readonly string[] {
  return [...faultsOf(content), ...ignoredFields(unknownFieldsOf(content))];
}

function faultsOf(content: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    parseSolution({ id: '', name: '', version: '', content });
    return [];
  } catch (error) {
    if (!isSandboxError(error)) throw error;
    return [`It can't be tested as it is: ${error.message}`];
  }
}

function unknownFieldsOf(content: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(content).filter((name) => !Object.hasOwn(contentSchema.shape, name));
}

/** The same for their names. */
export function ignoredFields(names: readonly string[]): readonly string[] {
  return names
    .slice(0, 20)
    .map((name) => `content.${name.slice(0, 100)} is not a field that is known here; it was ignored.`);
}

function invalid(field: string, what: string): SandboxError {
  return new SandboxError('SANDBOX008', `content.${field}: ${what}.`, { field: `content.${field}` });
}

function checkFiles(files: ReadonlyMap<string, string>): void {
  if (files.size === 0) throw invalid('files', 'there is neither code nor a file');
  let bytes = 0;
  for (const [path, text] of files) {
    bytes += Buffer.byteLength(text);
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (files.has(folder)) throw invalid('files', `"${folder}" is a file, and the folder of "${path}"`);
    }
  }
  if (bytes > maxFileBytes) throw invalid('files', 'must be at most 64 MiB in all');
}

/** The command that runs a main file, by its ending. Null: there is no rule for it. */
export function defaultCommand(mainFile: string): readonly string[] | null {
  const interpreter = { py: 'python', js: 'node', mjs: 'node', cjs: 'node', sh: 'bash' }[
    mainFile.split('.').at(-1) ?? ''
  ];
  return interpreter === undefined ? null : [interpreter, mainFile];
}

/** The run command goes first, but for a shell: that may start anything, and the main file's ending tells more. */
function language(program: string | undefined, byEnding: string | undefined): SandboxConfig['language'] {
  const started = languageOf(program);
  return started === undefined || started === 'shell' ? (languageOf(byEnding) ?? started) : started;
}

/** What a program's name says of the language that it runs: `/usr/bin/python3.12` runs Python. */
function languageOf(program: string | undefined): SandboxConfig['language'] {
  const name = program?.split('/').at(-1) ?? '';
  if (/^python[\d.]*$|^pip[\d.]*$/.test(name)) return 'python';
  if (/^(node|npm|npx)$/.test(name)) return 'node';
  return /^(ba|da|z)?sh$/.test(name) ? 'shell' : undefined;
}

function requirementLines(value: readonly string[] | string | undefined): readonly string[] {
  const lines = typeof value === 'string' ? value.split('\n') : (value ?? []);
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}
