import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ArchiveEntry } from '@ergon/sandbox-core';
import { readZip } from './read-zip.js';
import { maxZipEntries, writeZip } from './write-zip.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-zip-'));
  path = join(folder, 'a.zip');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function* repeated(chunk: Buffer, bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= chunk.length) yield await Promise.resolve(chunk.subarray(0, left));
}

function file(name: string, content: Buffer, bytes = content.length): ArchiveEntry {
  return { path: name, type: 'file', bytes, mode: 0o640, modifiedMs: 1e12, content: repeated(content, bytes) };
}

async function written(entries: Iterable<ArchiveEntry>): Promise<void> {
  await pipeline(
    writeZip(
      (async function* () {
        for (const entry of entries) yield await Promise.resolve(entry);
      })(),
    ),
    createWriteStream(path),
  );
}

/** Another program's view of it, of its last four entries, with all checksums looked at. */
function inPython(): [count: number, damaged: string | null, last: [name: string, ...unknown[]][]] {
  const program = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    told = [[i.filename, i.file_size, oct(i.external_attr >> 16), list(i.date_time)] for i in z.infolist()[-4:]]
    print(json.dumps([len(z.namelist()), z.testzip(), told]))`;
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', program, path], { encoding: 'utf8' })) as ReturnType<
    typeof inPython
  >;
}

/** As our own reader sees it: names with sizes, and the content of those that are small. */
async function read(): Promise<[string, number, string | null][]> {
  const fd = openSync(path, 'r');
  const found: [string, number, string | null][] = [];
  for await (const entry of readZip(fd, { maxEntries: 1e6, maxBytes: Infinity })) {
    found.push([entry.path, entry.bytes, entry.bytes < 100 ? await text(entry.content) : null]);
  }
  closeSync(fd);
  return found;
}

test('files of all sizes, packed or not, and folders are read by others as they were', async () => {
  const noise = Buffer.from(Array.from({ length: 70_001 }, (_, index) => (index * index * 7919) % 251));
  await written([
    file('empty', Buffer.alloc(0)),
    file('ü/short', Buffer.from('x')),
    { ...file('d', Buffer.alloc(0)), type: 'folder', mode: 0o755, modifiedMs: 0 },
    file('c:x', Buffer.alloc(65_536, 'a')),
    file('large', noise),
    file('larger', Buffer.alloc(1000, 'ab'), 5_000_001),
  ]);
  const time = [2001, 9, 9, 1, 46, 40];
  expect(inPython()).toEqual([
    6,
    null,
    [
      ['d/', 0, '0o40755', [1980, 1, 1, 0, 0, 0]],
      ['./c:x', 65_536, '0o100640', time],
      ['large', 70_001, '0o100640', time],
      ['larger', 5_000_001, '0o100640', time],
    ],
  ]);
  expect(await read()).toEqual([
    ['empty', 0, ''],
    ['ü/short', 1, 'x'],
    ['d', 0, ''],
    ['c:x', 65_536, null],
    ['large', 70_001, null],
    ['larger', 5_000_001, null],
  ]);
});

test('as many files as one may have cost little memory', async () => {
  const before = process.memoryUsage().rss;
  await written(
    (function* () {
      for (let index = 0; index < maxZipEntries; index += 1)
        yield file(`some/folder/file-${index}`, Buffer.from('content'));
    })(),
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 ** 2);
  const [count, damaged, last] = inPython();
  expect([count, damaged, last[3]?.[0]]).toEqual([maxZipEntries, null, 'some/folder/file-19999']);
}, 120_000);

test('a content that fails breaks it off, and one whose reader leaves is left, too', async () => {
  let left = 0;
  const content = async function* (fails: boolean): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield await Promise.resolve(Buffer.alloc(100_000, String(Math.random())));
        if (fails) throw new Error('the source broke');
      }
    } finally {
      left += 1;
    }
  };
  const endless = (fails: boolean): ArchiveEntry => ({
    ...file('e', Buffer.alloc(0)),
    bytes: 1e12,
    content: content(fails),
  });
  await expect(written([endless(true)])).rejects.toThrow('the source broke');
  for await (const chunk of writeZip(
    (async function* () {
      yield await Promise.resolve(endless(false));
    })(),
  )) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect(left).toBe(2);
});
