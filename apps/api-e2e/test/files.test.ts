import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { execute, linesOf } from './sse.js';

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await TestServer.start();
  folder = mkdtempSync(join(tmpdir(), 'ergon-files-'));
});
afterEach(() => server.ok('POST', sandbox('/cleanup-all')));
afterAll(async () => {
  await TestServer.endAll();
  rmSync(folder, { recursive: true });
});

const open = (request = {}): Promise<string> => server.openShell('echo hello', request);
const files = (id: string, path = ''): string => sandbox(`/${id}/files${path}`);

async function raw(
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; bytes: Buffer<ArrayBuffer>; text: string; problem: Partial<Body> }> {
  const response = await server.fetch(path, { method, headers, ...(body !== undefined && { body }) });
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type');
  const isJson = type?.includes('json') === true;
  const parsed: unknown = isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined;
  (await server.contract()).check(method, path, { status: response.status, type, body: parsed });
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text: bytes.toString(),
    problem: parsed ?? {},
  };
}

async function run(id: string, script: string): Promise<string[]> {
  return linesOf((await execute(server, id, { command: ['sh', '-c', script] })).messages);
}

function shell(script: string): string {
  return execFileSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });
}

describe('a file', () => {
  it('is written, listed, read and removed, and the program sees it', async () => {
    const id = await open();
    expect((await raw('PUT', files(id, '/data/in%20put.txt'), 'a\nb\n')).text).toBe(
      '{"success":true,"path":"workspace/data/in put.txt","size":4}',
    );
    expect(await run(id, 'cat "data/in put.txt"; echo more >> "data/in put.txt"')).toEqual([
      '[stdout] a',
      '[stdout] b',
    ]);
    expect((await raw('GET', files(id, '/workspace/data/in%20put.txt'))).text).toBe('a\nb\nmore\n');
    const listing = JSON.parse((await raw('GET', files(id, '/data'))).text) as unknown;
    expect(listing).toMatchObject({
      path: 'workspace/data',
      entries: [{ name: 'in put.txt', type: 'file', size: 9, mode: '644' }],
      truncated: false,
    });
    expect(await raw('DELETE', files(id, '/data/in%20put.txt'))).toMatchObject({
      status: 200,
      text: '{"success":true}',
    });
    expect(await raw('GET', files(id, '/data/in%20put.txt'))).toMatchObject({
      status: 404,
      problem: { code: 'SANDBOX012' },
    });
  });

  it('comes in parts by ranges, and its size by HEAD', async () => {
    const id = await open();
    await raw('PUT', files(id, '/ten'), '0123456789');
    const part = async (range: string): Promise<unknown[]> => {
      const { status, text, headers } = await raw('GET', files(id, '/ten'), undefined, { Range: range });
      return [status, text, headers.get('content-range'), headers.get('content-length')];
    };
    expect(await part('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10', '3']);
    expect(await part('bytes=-2')).toEqual([206, '89', 'bytes 8-9/10', '2']);
    expect(await part('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10', '3']);
    expect(await part('bytes=0-1,4-5')).toEqual([200, '0123456789', null, '10']);
    const beyond = await raw('GET', files(id, '/ten'), undefined, { Range: 'bytes=10-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    const head = await raw('HEAD', files(id, '/ten'));
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
      200,
      '10',
      'bytes',
    ]);
  });

  it('is saved by browsers, whatever it looks like, under its own name', async () => {
    const id = await open();
    await raw('PUT', files(id, '/%C3%BCber%20%22page%22.html'), '<script>alert(1)</script>');
    const { headers } = await raw('GET', files(id, '/%C3%BCber%20%22page%22.html'));
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="_ber _page_.html"; filename*=UTF-8''%C3%BCber%20%22page%22.html`,
    );
  });

  it('of any bytes comes back as it was, also a large one', async () => {
    const id = await open();
    const bytes = Buffer.from(new Uint8Array(20_000_000).map((_, index) => (index * 7919) % 251));
    expect((await raw('PUT', files(id, '/large'), bytes)).status).toBe(200);
    expect((await raw('GET', files(id, '/large'))).bytes.equals(bytes)).toBe(true);
  });

  it('is moved, a folder is made, and a single entry is told', async () => {
    const id = await open();
    await raw('PUT', files(id, '/a'), 'x');
    expect((await raw('PUT', files(id, '/new/deep?folder=true'))).status).toBe(200);
    expect(await raw('POST', `${files(id, '/a')}?rename_to=output/b`)).toMatchObject({
      status: 200,
      text: '{"success":true,"path":"output/b"}',
    });
    expect(JSON.parse((await raw('GET', `${files(id, '/output/b')}?stat=true`)).text)).toMatchObject({
      name: 'b',
      type: 'file',
      size: 1,
    });
    expect(JSON.parse((await raw('GET', `${files(id, '/new')}?stat=true`)).text)).toMatchObject({
      type: 'folder',
      size: null,
    });
    expect(JSON.parse((await raw('GET', `${files(id)}?limit=1`)).text)).toMatchObject({ truncated: true });
  });

  it('sent as a form is refused, with the way to send it, and what was there stays', async () => {
    const id = await open();
    await raw('PUT', files(id, '/a.py'), 'print(1)\n');
    writeFileSync(join(folder, 'a.py'), 'print(2)\n');
    const url = server.url + files(id, '/a.py');
    for (const options of ['-F file=@a.py', '-d @a.py', '--data-binary @a.py']) {
      const answer: unknown = JSON.parse(shell(`curl -s -X PUT ${options} '${url}'`));
      expect(answer).toMatchObject({
        status: 415,
        code: 'SANDBOX008',
        detail: expect.stringContaining('as "curl -T FILE URL" does') as string,
      });
    }
    expect((await raw('GET', files(id, '/a.py'))).text).toBe('print(1)\n');
    expect(
      await raw('PUT', files(id, '/in?archive=zip'), 'a=b', { 'Content-Type': 'multipart/form-data; boundary=x' }),
    ).toMatchObject({
      status: 415,
    });
    expect(JSON.parse(shell(`curl -s -T a.py '${url}'`))).toMatchObject({ size: 9 });
    expect(shell(`curl -s '${url}'`)).toBe('print(2)\n');
    for (const type of ['application/octet-stream', 'text/x-python', 'application/json']) {
      expect(await raw('PUT', files(id, '/a.py'), 'x', { 'Content-Type': type })).toMatchObject({ status: 200 });
    }
  });

  it('is not moved without the place for it, and the way to write one is said', async () => {
    expect(await raw('POST', files(await open(), '/up/d.py'))).toMatchObject({
      status: 422,
      problem: { field: 'rename_to', detail: 'rename_to: is missing; to write a file use PUT.' },
    });
  });

  it('that would pass the disk limit is refused, and the old one is still whole', async () => {
    const id = await open({ disk_limit: '16m' });
    await raw('PUT', files(id, '/kept'), 'old');
    expect(await raw('PUT', files(id, '/kept'), Buffer.alloc(32 * 1024 ** 2))).toMatchObject({
      status: 507,
      problem: { code: 'SANDBOX004' },
    });
    expect((await raw('GET', files(id, '/kept'))).text).toBe('old');
  });
});

describe('what a program planted', () => {
  it('is never followed: links at any step, FIFOs and devices are refused by a sentence', async () => {
    const id = await open();
    await run(id, 'ln -s /etc/passwd link; ln -s /etc dir; mkfifo fifo; ln -s /output out; echo x > /output/x');
    for (const path of ['/link', '/dir/passwd', '/fifo', '/out/x']) {
      const answer = await raw('GET', files(id, path));
      expect(answer).toMatchObject({ status: 422, problem: { code: 'SANDBOX008' } });
      expect(answer.text).not.toContain('root:');
    }
    for (const [method, path] of [
      ['PUT', '/dir/new'],
      ['PUT', '/out/new'],
      ['DELETE', '/out/x'],
    ] as const) {
      expect((await raw(method, files(id, path), method === 'PUT' ? 'x' : undefined)).status).toBe(422);
    }
    expect(await run(id, 'ls /output; [ -e /etc/new ] || echo not there')).toEqual([
      '[stdout] x',
      '[stdout] not there',
    ]);
    const { entries } = JSON.parse((await raw('GET', files(id))).text) as { entries: { name: string; type: string }[] };
    const types = Object.fromEntries(entries.map(({ name, type }) => [name, type]));
    expect(types).toMatchObject({ link: 'link', dir: 'link', fifo: 'other', out: 'link' });
  });

  it('does not come out in an archive: only regular files and folders do', async () => {
    const id = await open();
    await run(id, 'mkdir d; echo 1 > d/one; ln -s /etc/passwd d/link; mkfifo d/fifo; ln d/one d/two');
    writeFileSync(join(folder, 'd.tar'), (await raw('GET', `${files(id, '/d')}?archive=tar`)).bytes);
    expect(shell('tar -tf d.tar').trim().split('\n').sort()).toEqual(['one', 'two']);
    writeFileSync(join(folder, 'd.zip'), (await raw('GET', `${files(id, '/d')}?archive=zip`)).bytes);
    const names = shell(`python3 -c 'import zipfile; print("\\n".join(zipfile.ZipFile("d.zip").namelist()))'`);
    expect(names.trim().split('\n').sort()).toEqual(['one', 'two']);
  });

  it.each(['1969-01-01', '1901-12-14', '2300-01-01', '2446-05-10'])(
    'may be dated %s, and comes all the same',
    async (date) => {
      const id = await open();
      await run(id, `mkdir d; echo 1 > d/f; touch -d ${date} d/f; mkdir /output/d; cp -p d/f /output/d`);
      for (const path of [files(id, '/d'), sandbox(`/results/${id}/files/d`)]) {
        const { text } = await raw('GET', path);
        expect(text).toMatch(/"modified":"\d{4}-\d\d-\d\dT/);
        writeFileSync(join(folder, 'dated.zip'), (await raw('GET', `${path}?archive=zip`)).bytes);
        expect(shell(`python3 -c 'import zipfile; print(zipfile.ZipFile("dated.zip").read("f"))'`)).toBe("b'1\\n'\n");
        expect((await raw('GET', `${path}/f`)).headers.get('last-modified')).toMatch(/GMT$/);
      }
    },
  );

  it('may have names that a zip refuses, and comes all the same: those with a drive as they are, those with a backslash not at all', async () => {
    const id = await open();
    await run(
      id,
      String.raw`mkdir d 'd/c:' 'd/Z:e'; for f in 'c:x' c_x 'c:/y' 'Z:' '..\..\up' '\\host\share' 'end\' 'x\y' '..x' '...' last; do
        echo "$f" > "d/$f" || :; done; ls -A d | wc -l; cp -R d /output`,
    );
    for (const path of [files(id, '/d'), sandbox(`/results/${id}/files/d`)]) {
      const { status, bytes } = await raw('GET', `${path}?archive=zip`);
      expect(status).toBe(200);
      writeFileSync(join(folder, 'names.zip'), bytes);
      shell(`rm -rf names && python3 -c 'import zipfile; zipfile.ZipFile("names.zip").extractall("names")'`);
      expect(shell('cd names && find . -type f -exec grep -H . {} + | LC_ALL=C sort')).toBe(
        ['...:...', '..x:..x', 'Z::Z:', 'c:/y:c:/y', 'c:x:c:x', 'c_x:c_x', 'last:last']
          .map((line) => `./${line}\n`)
          .join(''),
      );
      expect((await raw('PUT', `${files(id, '/back')}?archive=zip`, bytes)).status).toBe(200);
      expect(await run(id, 'cat back/c:x back/c:/y; rm -r back')).toEqual([
        '[stdout] c:x',
        '[stdout] c:/y',
        '[error] 4 in /output were not kept: their names are too long, have a backslash, or are no UTF-8.',
      ]);
    }
  });

  it('by the thousand, or with names that are no text, is bounded and told', async () => {
    const id = await open();
    await run(id, 'mkdir many; cd many; seq 1 20000 | xargs touch; touch "$(printf "bad\\377")"');
    const listing = JSON.parse((await raw('GET', files(id, '/many'))).text) as {
      entries: unknown[];
      truncated: boolean;
    };
    expect([listing.entries.length, listing.truncated]).toEqual([10_000, true]);
    const tar = await raw('GET', `${files(id, '/many')}?archive=tar`);
    writeFileSync(join(folder, 'many.tar'), tar.bytes);
    expect(shell('tar -tf many.tar | wc -l').trim()).toBe('20000');
  });
});

describe('an archive', () => {
  it.each(['tar', 'zip'] as const)('%s comes back as it went up, with folders, modes and times', async (kind) => {
    const id = await open();
    shell(
      `rm -rf up && mkdir -p up/sub/empty && printf 'one' > up/one && printf '#!/bin/sh\\necho ran' > up/sub/run.sh && chmod 755 up/sub/run.sh && touch -d 2020-01-02T03:04:06Z up/one`,
    );
    if (kind === 'tar') shell('tar -cf up.tar -C up .');
    else {
      shell(`python3 - <<'P'
import os, zipfile
with zipfile.ZipFile('up.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for at, folders, names in os.walk('up'):
        for name in folders + names: z.write(os.path.join(at, name), os.path.relpath(os.path.join(at, name), 'up'))
P`);
    }
    const sent = await raw('PUT', `${files(id, '/in')}?archive=${kind}`, readFileSync(join(folder, `up.${kind}`)));
    expect(sent.text).toBe('{"success":true,"path":"workspace/in","files":2}');
    expect(await run(id, 'cat in/one; echo; ./in/sub/run.sh; ls -d in/sub/empty')).toEqual([
      '[stdout] one',
      '[stdout] ran',
      '[stdout] in/sub/empty',
    ]);
    const back = await raw('GET', `${files(id, '/in')}?archive=${kind}`);
    writeFileSync(join(folder, `back.${kind}`), back.bytes);
    shell(
      kind === 'tar'
        ? 'rm -rf back && mkdir back && tar -xf back.tar -C back'
        : `rm -rf back && mkdir back && python3 -c 'import zipfile; zipfile.ZipFile("back.zip").extractall("back")'`,
    );
    expect(shell('cd back && find . -type f -exec cat {} + | sort; find . | sort')).toBe(
      shell('cd up && find . -type f -exec cat {} + | sort; find . | sort'),
    );
  });

  const zipOf = (python: string): Buffer => {
    shell(
      `python3 - <<'P'\nimport zipfile, struct\nz = zipfile.ZipFile('bad.zip', 'w', zipfile.ZIP_DEFLATED)\n${python}\nz.close()\nP`,
    );
    return readFileSync(join(folder, 'bad.zip'));
  };
  const tarOf = (python: string): Buffer => {
    shell(`python3 - <<'P'\nimport tarfile, io\nt = tarfile.open('bad.tar', 'w')\n${python}\nt.close()\nP`);
    return readFileSync(join(folder, 'bad.tar'));
  };

  it.each([
    ['zip', 'a path that leads outside', `z.writestr('../../evil', 'x')`],
    ['zip', 'an absolute path', `z.writestr('/etc/evil', 'x')`],
    [
      'zip',
      'a link',
      `i = zipfile.ZipInfo('l'); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, '/etc/passwd')`,
    ],
    ['tar', 'a path that leads outside', `i = tarfile.TarInfo('../evil'); i.size = 1; t.addfile(i, io.BytesIO(b'x'))`],
    ['tar', 'a link', `i = tarfile.TarInfo('l'); i.type = tarfile.SYMTYPE; i.linkname = '/etc'; t.addfile(i)`],
    [
      'tar',
      'a hard link',
      `i = tarfile.TarInfo('l'); i.type = tarfile.LNKTYPE; i.linkname = '/etc/passwd'; t.addfile(i)`,
    ],
    ['tar', 'a device', `i = tarfile.TarInfo('d'); i.type = tarfile.CHRTYPE; t.addfile(i)`],
  ] as const)('%s with %s is refused, and nothing of it is there', async (kind, _what, python) => {
    const id = await open();
    const good =
      kind === 'zip'
        ? `z.writestr('good', 'x')\n`
        : `i = tarfile.TarInfo('good'); i.size = 1; t.addfile(i, io.BytesIO(b'x'))\n`;
    const bytes = kind === 'zip' ? zipOf(good + python) : tarOf(good + python);
    const answer = await raw('PUT', `${files(id, '/in')}?archive=${kind}`, bytes as Buffer<ArrayBuffer>);
    expect(answer).toMatchObject({ status: 422, problem: { code: 'SANDBOX008' } });
    expect(await run(id, 'ls in 2>/dev/null | wc -l')).toEqual(['[stdout] 0']);
  });

  it.each(['tar', 'zip'] as const)('that is no %s is refused by a sentence', async (kind) => {
    const id = await open();
    for (const body of ['', 'this is no archive at all, whatever it is called', 'x'.repeat(5000)]) {
      const answer = await raw('PUT', `${files(id, '/in')}?archive=${kind}`, body);
      if (kind === 'tar' && body === '') expect(answer.status).toBeLessThan(500);
      else expect(answer).toMatchObject({ status: 422, problem: { code: 'SANDBOX008' } });
    }
  });

  it.each([
    ['tar', 'tar -czf other -C . a.txt', 'The archive is compressed (gzip); send a plain tar.'],
    ['zip', 'tar -czf other -C . a.txt', 'The archive is compressed (gzip); send a plain zip.'],
    ['tar', 'tar -cJf other -C . a.txt', 'The archive is compressed (xz); send a plain tar.'],
    ['tar', 'python3 -m zipfile -c other a.txt', 'The archive is a zip, not a tar; say so, or send a tar.'],
    ['zip', 'tar -cf other -C . a.txt', 'The archive is a tar, not a zip; say so, or send a zip.'],
    ['zip', 'python3 -m zipfile -c other a.txt && truncate -s 60 other', 'The archive is no zip that can be read: '],
  ] as const)('sent as a %s that is another thing, by %s, is called what it is', async (kind, make, sentence) => {
    const id = await open();
    shell(`seq 2000 > a.txt; ${make}`);
    const bytes = readFileSync(join(folder, 'other'));
    const { status, problem } = await raw('PUT', `${files(id, '/in')}?archive=${kind}`, bytes);
    expect([status, problem.detail]).toEqual([422, expect.stringContaining(sentence)]);
    expect(problem.detail).not.toMatch(/\.\.$/);
  });

  it('that is a bomb stops at the disk limit, takes no memory of the server, and leaves nothing', async () => {
    const bomb = zipOf(`z.writestr('zeros', b'\\0' * 500_000_000)`); // takes longer than an idle connection lasts
    const id = await open({ disk_limit: '32m' });
    expect(bomb.length).toBeLessThan(1_000_000);
    const answer = await raw('PUT', `${files(id, '/in')}?archive=zip`, bomb as Buffer<ArrayBuffer>);
    expect(answer).toMatchObject({ status: 507, problem: { code: 'SANDBOX004' } });
    expect(await run(id, 'ls in 2>/dev/null | wc -l; echo room > room && echo written')).toEqual([
      '[stdout] 0',
      '[stdout] written',
    ]);
  });

  it('whose zip says less than it holds is refused', async () => {
    const id = await open();
    const bytes = Buffer.from(zipOf(`z.writestr('a', b'x' * 100000)`));
    const directory = bytes.lastIndexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
    bytes.writeUInt32LE(10, directory + 24); // its uncompressed size
    expect(await raw('PUT', `${files(id, '/in')}?archive=zip`, bytes)).toMatchObject({ status: 422 });
  });
});

describe('paths', () => {
  it.each([
    ['/..%2f..%2fetc%2fpasswd', 422],
    ['/a%2F..%2Fb', 422],
    ['/a%2F%2Fb', 422],
    ['/%2Fetc%2Fpasswd', 422],
    ['/workspace%2F..%2F..%2Fetc%2Fpasswd', 422],
    ['/a%2F%2e%2e%2Fb', 422],
    ['/a%2Fb%00c', 422],
    ['/a%252F..%252F..%252Fetc%252Fpasswd', 404],
    ['/a%00b', 422],
    ['/a/%2e%2e/%2e%2e/etc', 404],
    ['/workspace/../../etc/passwd', 404],
    ['/%ff', 400],
    ['/a//b', 422],
    [`/${'x'.repeat(300)}`, 422],
    ['/no/such/file', 404],
  ])('%s is refused with %i', async (path, status) => {
    const id = await open();
    const answer = await raw('GET', files(id, path));
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('root:');
  });

  it.each([
    ['/a//b', '""'],
    ['/a%2F..%2Fb', '".."'],
    [`/a/${'x'.repeat(300)}/b`, '"xxxx'],
  ])('such as %s are refused by the segment at fault', async (path, segment) => {
    const { problem } = await raw('GET', files(await open(), path));
    expect(problem.field).toBe('path');
    expect(problem.detail).toContain(`path: its segment ${segment}`);
  });

  it('may have %2F for their slashes in every call, as generated clients write them, and in no other part of the address', async () => {
    const id = await open();
    expect((await raw('PUT', files(id, '/a%2Fb%2Fc.txt'), 'x')).text).toBe(
      '{"success":true,"path":"workspace/a/b/c.txt","size":1}',
    );
    expect((await raw('GET', files(id, '/workspace%2Fa/b%2fc.txt'))).text).toBe('x');
    expect((await raw('GET', files(id, '/a%2Fb%2F'))).status).toBe(200);
    expect(await raw('POST', `${files(id, '/a%2Fb%2Fc.txt')}?rename_to=output%2Fd.txt`)).toMatchObject({ status: 200 });
    expect((await raw('GET', files(id, '/output%2Fd.txt'))).text).toBe('x');
    await run(id, 'mkdir /output/plots; echo 1 > /output/plots/p.txt');
    expect((await raw('GET', sandbox(`/results/${id}/files/plots%2Fp.txt`))).text).toBe('1\n');
    expect((await raw('DELETE', files(id, '/a%2Fb'))).status).toBe(200);
    expect(JSON.parse((await raw('GET', files(id, '/a'))).text)).toMatchObject({ entries: [] });
    for (const path of [`/${id}%2Ffiles/a`, `/${id}/files%2Fa`, `/results%2F${id}/files`, `/results/${id}%2Ffiles`]) {
      expect([404, 405, 422]).toContain((await raw('GET', sandbox(path))).status);
    }
  });

  it('of a sandbox that is not there, or is gone, are 404; of the roots nothing is removed', async () => {
    const id = await open();
    expect(await raw('DELETE', files(id, '/workspace'))).toMatchObject({ status: 422 });
    expect(await raw('GET', files('nowhere'))).toMatchObject({ status: 404, problem: { code: 'SANDBOX006' } });
    await server.ok('DELETE', sandbox(`/${id}`));
    expect(await raw('GET', files(id))).toMatchObject({ status: 404, problem: { code: 'SANDBOX006' } });
  });

  it.each(['?archive=rar', '?limit=0', '?what=1', '?stat=yes'])('parameters such as %s are refused', async (query) => {
    expect(await raw('GET', files(await open(), query))).toMatchObject({
      status: 422,
      problem: { code: 'SANDBOX008' },
    });
  });
});

it('many calls at once are served or refused by a sentence, and the command beside them runs', async () => {
  const id = await open();
  const calls = Array.from({ length: 60 }, () => raw('GET', files(id)));
  expect(await run(id, 'echo beside')).toEqual(['[stdout] beside']);
  const statuses = (await Promise.all(calls)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(36);
  expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
});

describe('output', () => {
  it('is kept with the result: listed, read in parts, as an archive, after the sandbox and the server are gone', async () => {
    const other = await TestServer.start();
    const id = await other.openShell(
      'mkdir /output/plots; printf 0123456789 > /output/plots/a.txt; echo b > /output/b; ln -s /etc/passwd /output/link; mkfifo /output/fifo',
    );
    await execute(other, id);
    expect(await other.ok('GET', sandbox(`/results/${id}`))).toMatchObject({ files: ['b', 'plots/a.txt'] });
    const listing = await other.ok('GET', sandbox(`/results/${id}/files`));
    expect(listing).toMatchObject({
      files: [
        { path: 'b', size: 2 },
        { path: 'plots/a.txt', size: 10, mode: '644' },
      ],
    });
    await other.ok('DELETE', sandbox(`/${id}`));
    await other.stop('SIGKILL');
    const again = await TestServer.start({ dataDir: other.dataDir });
    const get = async (path: string, headers = {}): Promise<[number, Buffer]> => {
      const response = await again.fetch(sandbox(`/results/${id}/files${path}`), { headers });
      return [response.status, Buffer.from(await response.arrayBuffer())];
    };
    expect(await get('/plots/a.txt')).toEqual([200, Buffer.from('0123456789')]);
    expect(await get('/plots/a.txt', { Range: 'bytes=3-5' })).toEqual([206, Buffer.from('345')]);
    expect(await again.ok('GET', sandbox(`/results/${id}/files/plots`))).toMatchObject({
      files: [{ path: 'plots/a.txt' }],
    });
    expect((await get('/nothing'))[0]).toBe(404);
    expect((await get('/link'))[0]).toBe(404);
    for (const kind of ['tar', 'zip']) {
      const [status, bytes] = await get(`?archive=${kind}`);
      expect(status).toBe(200);
      writeFileSync(join(folder, `output.${kind}`), bytes);
    }
    expect(shell('tar -tf output.tar | sort')).toBe('b\nplots/a.txt\n');
  });

  it('of each execution is its own', async () => {
    const id = await open();
    const first = await execute(server, id, { execution_id: 'out-1', command: ['sh', '-c', 'echo 1 > /output/f'] });
    await execute(server, id, {
      execution_id: 'out-2',
      command: ['sh', '-c', 'echo 22 > /output/f; echo g > /output/g'],
    });
    expect(first.status).toBe(200);
    const of = async (query: string): Promise<string> =>
      (await raw('GET', sandbox(`/results/${id}/files/f${query}`))).text;
    expect(await of('?execution_id=out-1')).toBe('1\n');
    expect(await of('')).toBe('22\n');
    expect(await raw('GET', sandbox(`/results/${id}/files?execution_id=nowhere`))).toMatchObject({ status: 404 });
  });

  it('of nothing is an empty list; of what has not run, 404', async () => {
    const id = await open();
    expect(await raw('GET', sandbox(`/results/${id}/files`))).toMatchObject({ status: 404 });
    await run(id, 'true');
    expect(JSON.parse((await raw('GET', sandbox(`/results/${id}/files`))).text)).toMatchObject({ files: [] });
  });
});
