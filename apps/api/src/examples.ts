import { isUtf8 } from 'node:buffer';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { parseInput, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { UnitInput } from '@ergon/sandbox-registry';
import { unitSchema } from '@ergon/sandbox-registry';
import { z } from 'zod';

const descriptor = 'solution.json';
/** What Python leaves beside a program that somebody ran where it lies. */
const skippedFolder = '__pycache__';

/**
 * Reads a folder of example solutions: each of its folders is one. There, `solution.json` is the unit, and every other file becomes one
 * of its `content.files`, as text.
 * @throws SandboxError SANDBOX008 naming the file or field at fault; links and special files are refused
 */
export async function readExamples(folder: string): Promise<readonly UnitInput[]> {
  const units: UnitInput[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) units.push(await readExample(join(folder, entry.name)));
    }
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    throw new SandboxError('SANDBOX008', `The examples in ${folder} cannot be read: ${sentenceOf(error)}.`, {
      cause: error,
    });
  }
  return units;
}

const exampleSchema = z.looseObject({ content: z.looseObject({}, { error: 'must be an object' }).optional() });

async function readExample(folder: string): Promise<UnitInput> {
  const files: Record<string, string> = {};
  let unit: unknown;
  for (const path of await filesBelow(folder)) {
    const name = relative(folder, path).split(sep).join('/');
    const bytes = await readFile(path);
    if (!isUtf8(bytes))
      throw new SandboxError('SANDBOX008', `${path} is not UTF-8 text, which the file of an example must be.`);
    const text = bytes.toString('utf8');
    if (name === descriptor) unit = parseJson(path, text);
    else files[name] = text;
  }
  const path = join(folder, descriptor);
  if (unit === undefined) throw new SandboxError('SANDBOX008', `${path} is missing: each folder of examples has one.`);
  const { content, ...fields } = parseInput(exampleSchema, unit, path);
  return parseInput(unitSchema, { ...fields, content: { ...content, files } }, path);
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== skippedFolder) files.push(...(await filesBelow(path)));
    } else if (entry.isFile()) files.push(path);
    else throw new SandboxError('SANDBOX008', `${path} is a link or a special file; examples have regular files only.`);
  }
  return files;
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SandboxError('SANDBOX008', `${path} is not JSON: ${sentenceOf(error)}.`, { cause: error });
  }
}
