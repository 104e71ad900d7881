import { randomUUID } from 'node:crypto';
import { chmod, cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreparedSolution } from '@ergon/sandbox-core';
import { places, wraps } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** It puts in a copy of the solution that lacks what is filtered out. */
function copies(filter: (path: string) => boolean): ReturnType<typeof places> {
  return places(async (solution): Promise<PreparedSolution> => {
    const path = `${solution.path}-${randomUUID()}`;
    await cp(solution.path, path, { recursive: true, filter });
    return { ...solution, path };
  });
}

/** It gives everybody what it was asked to show, so that the program's user can read it. */
const opensToAll = places(async (solution) => {
  const names = await readdir(solution.path, { recursive: true });
  for (const path of ['.', ...names]) await chmod(join(solution.path, path), 0o777);
  return solution;
});

const every = /\/solution holds every file of the solution/;
const stay = /\/workspace and \/output stay between executions/;

provesThatTheSuiteCatches([
  {
    that: 'loses files whose names have a newline',
    create: copies((path) => !path.includes('\n')),
    caughtBy: every,
    message: /Copy names as bytes, whatever is in them/,
  },
  {
    that: "changes the modes of the solution's folder",
    create: opensToAll,
    caughtBy: /\/solution cannot be changed from inside, and the folder of the host stays as it is/,
    message: /change no mode of the original/,
  },
  {
    that: 'loses empty folders',
    create: copies((path) => !path.endsWith('no-files')),
    caughtBy: every,
    message: /has empty folders too/,
  },
  {
    that: 'loses the modes of files',
    create: wraps('find . -type f -exec chmod a-x {} +; exec "$@"'),
    caughtBy: every,
    message: /Keep the folders, and the mode of the files/,
  },
  {
    that: 'begins before the files are complete',
    create: copies((path) => !path.endsWith('f999')),
    caughtBy: /a solution of a thousand files is complete/,
    message: /Wait until the copy or the upload is complete/,
  },
  {
    that: 'gives programs a /workspace that is empty',
    create: wraps('[ -e /output/.begun ] || rm -rf ./* ./.[!.]*; : > /output/.begun; exec "$@"'),
    caughtBy: every,
    message: /\/workspace holds the files of the solution/,
  },
  {
    that: 'begins /workspace anew for each execution',
    create: wraps('rm -rf ./* && cp -R /solution/. . && exec "$@"'),
    caughtBy: stay,
    message: /\/workspace and \/output persist between the executions/,
  },
  {
    that: 'empties /output for each execution',
    create: wraps('rm -rf /output/*; exec "$@"'),
    caughtBy: stay,
    message: /Keep the first two for the life of the sandbox/,
  },
  {
    that: 'puts something of its own into /output',
    create: wraps(': > /output/.provider; exec "$@"'),
    caughtBy: /\/workspace is the working folder/,
    message: /\/output begins empty/,
  },
  {
    that: 'throws away what a program wrote last',
    create: wraps('find . -newer /solution -size +1000k -delete; exec "$@"'),
    caughtBy: /a file that was written right before the end/,
    message: /Do not throw away or roll back/,
  },
]);
