import { hostSecret } from '../secret.js';
import { equal, holds } from '../promises.js';
import type { TestSandbox } from '../sandbox.js';
import type { RunOptions } from '../sandbox.js';
import { needsOwnProcesses, needsPython, section } from '../suite.js';
import type { Section } from '../suite.js';

const odd: readonly string[] = [
  "it's",
  '"quoted"',
  '$HOME ${HOME} `id` $(id)',
  'two\nlines\n',
  'tab\tand\rreturn',
  '\\ \\n \\0',
  '*',
  '',
  ' ',
  '-n',
  '--',
  'ünïcödé 日本語 🚀',
  '!',
  '#',
  '&;|<>(){}[]~%^=',
  '\u0001\u001b[31m\u007f',
];

export const environment: Section = section('Commands and environment', [
  {
    name: 'arguments arrive exactly: quotes, newlines, dollars, empty ones, unicode, control characters',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.sh('for a; do printf "%s\\0" "$a"; done', {}, odd);
      equal(run.stdout.split('\0').slice(0, -1), odd, {
        promise: 'argv reaches the program word for word.',
        mend: 'Pass an array to exec; where a shell is in between, quote with single quotes, not with JSON.',
      });
    },
  },
  {
    name: 'an argument of 100 KB and a thousand arguments arrive',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const long = 'x'.repeat(100_000);
      const one = await sandbox.sh('printf %s "$1" | wc -c', {}, [long]);
      const many = await sandbox.sh(
        'echo $#',
        {},
        Array.from({ length: 1000 }, (_, index) => `argument ${index}`.padEnd(100)),
      );
      equal([Number(one.stdout), Number(many.stdout)], [100_000, 1000], {
        promise: 'A command may have 1,024 words and 128 KiB in all.',
        mend: 'Pass the command on in a way that has no smaller limit, e.g. a descriptor or the body of a request.',
      });
    },
  },
  {
    name: 'a program of the workspace with an odd name can be the command',
    body: async (house) => {
      const name = 'my "tool" $x ü.sh';
      const sandbox = await house.sandbox({ files: { [name]: '#!/bin/sh\necho "$#:$1"\n' } });
      const run = await sandbox.run([`./${name}`, 'a b']);
      equal([run.stdout, run.end.exitCode], ['1:a b\n', 0], {
        promise: 'The first word of a command is the program, whatever is in its name.',
        mend: 'Execute it as it is; a path with a slash is relative to /workspace.',
      });
    },
  },
  {
    name: 'SANDBOX_ID, SOLUTION_DIR, WORKSPACE_DIR, OUTPUT_DIR are set, and cannot be set otherwise',
    body: async (house) => {
      const forged = { SANDBOX_ID: 'forged', OUTPUT_DIR: '/forged' };
      const sandbox = await house.sandbox({ config: { environment: forged } });
      const names = ['SANDBOX_ID', 'SOLUTION_DIR', 'WORKSPACE_DIR', 'OUTPUT_DIR'];
      // Where there is no root of its own, they lie wherever the provider keeps them.
      const elsewhere = needsOwnProcesses(house.claims) !== null;
      for (const options of [{}, { environment: forged }]) {
        const [id, ...folders] = await variables(sandbox, names, options);
        const { stdout } = await sandbox.sh('for d; do [ -d "$d" ] && (cd "$d" && pwd -P); done', options, folders);
        const theirs =
          elsewhere && new Set(stdout.trim().split('\n')).size === 3 && !folders.includes(forged.OUTPUT_DIR);
        equal([id, ...folders], [sandbox.id, ...(theirs ? folders : ['/solution', '/workspace', '/output'])], {
          promise: 'The four variables of a sandbox are always set, and are not to be forged.',
          mend: 'Put them after all others when you build the environment.',
        });
      }
    },
  },
  {
    name: "variables of the solution arrive exactly, an execution's are added for that execution alone",
    body: async (house) => {
      const values = Object.fromEntries(odd.map((value, index) => [`ODD_${index}`, value]));
      const sandbox = await house.sandbox({
        config: { environment: { ...values, BOTH: 'of the sandbox', PATH: '/bin:/usr/bin' } },
      });
      const names = [...Object.keys(values), 'BOTH', 'ONCE', 'PATH'];
      const exact =
        'Pass the environment as an array or over a descriptor; where a shell is in between, quote with single quotes.';
      const once = { BOTH: 'of the execution', ONCE: odd.join('\n') };
      equal(
        await variables(sandbox, names, { environment: once }),
        [...odd, 'of the execution', odd.join('\n'), '/bin:/usr/bin'],
        {
          promise: "Values arrive as they are; an execution's go before the sandbox's.",
          mend: exact,
        },
      );
      equal(await variables(sandbox, names), [...odd, 'of the sandbox', '', '/bin:/usr/bin'], {
        promise: "An execution's variables are gone in the next one.",
        mend: 'Merge them for the one execution, into a copy.',
      });
    },
  },
  {
    name: 'names that shells keep for themselves arrive as well',
    needs: needsPython,
    body: async (house) => {
      const special = { UID: '5', OPTIND: 'x y', RANDOM: 'r', IFS: 'x', PWD: '/elsewhere', _: 'underscore', PS1: '$ ' };
      const sandbox = await house.sandbox({ config: { environment: special } });
      const names = Object.keys(special);
      const source = 'import os, sys; sys.stdout.write("".join(os.environ.get(n, "?") + "\\0" for n in sys.argv[1:]))';
      const run = await sandbox.run([house.python, '-c', source, ...names]);
      equal(run.stdout.split('\0').slice(0, -1), Object.values(special), {
        promise: 'Every name of the environment arrives.',
        mend: 'Set them by execve or env(1): a shell drops or changes those.',
      });
    },
  },
  {
    name: "nothing of the host's environment is inside: not in env, not in /proc",
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      // Where it sees the host's processes, it sees what they have.
      const processes = needsOwnProcesses(house.claims) === null ? '[0-9]*' : 'self';
      const { stdout } = await sandbox.sh(
        `env; cat /proc/${processes}/environ /proc/${processes}/cmdline 2>/dev/null | tr "\\0" "\\n"; true`,
      );
      holds(stdout.includes(`SANDBOX_ID=${sandbox.id}`), {
        promise: 'The environment can be looked at.',
        mend: 'Mount /proc, and have env(1) inside.',
      });
      const found = [hostSecret.name, hostSecret.value].filter((text) => stdout.includes(text));
      equal(found, [], {
        promise: "No variable of the server's is seen by a program.",
        mend: 'Start every process that lives in the sandbox with an environment that you built: env {} and what is to be there.',
      });
    },
  },
  {
    name: 'PATH and HOME are set, and HOME is a folder',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh('test -n "$PATH" && cd "$HOME" && echo fine');
      equal(stdout, 'fine\n', { promise: 'PATH and HOME are set.', mend: 'Set them where the solution does not.' });
    },
  },
  {
    name: 'python works where only python3 is installed',
    shares: true,
    needs: needsPython,
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.run(['python', '-c', 'import sys; print(sys.version_info[0])']);
      equal([run.stdout, run.end.cause], ['3\n', 'exited'], {
        promise: '`python` is Python 3 wherever that is there.',
        mend: 'Put a folder with a link `python` at the end of PATH.',
      });
    },
  },
  {
    name: 'a program inherits no descriptor but its three streams, and no signal ignored or blocked',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh('ls -l /proc/$$/fd; :');
      const open = [...stdout.matchAll(/ (\d+) -> (.*)$/gm)].flatMap(([, fd, target]) =>
        Number(fd) > 2 && target !== '/dev/null' ? [`${fd ?? ''} leads to ${target ?? ''}`] : [],
      );
      equal(open, [], {
        promise: 'A program has the descriptors 0, 1, 2 and no other, but for such that lead to /dev/null.',
        mend: 'Close what you opened for it (CLOEXEC), and what the server itself inherited.',
      });
      const signals = await sandbox.run(['grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status']);
      equal(signals.stdout, 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n', {
        promise: 'A program begins with the default for every signal.',
        mend: 'Reset the signal mask and what is ignored (Node ignores SIGPIPE) before the exec.',
      });
    },
  },
]);

/** The values of variables as a shell has them; an empty text for one that is not set. */
async function variables(
  sandbox: TestSandbox,
  names: readonly string[],
  options: RunOptions = {},
): Promise<readonly string[]> {
  const { stdout } = await sandbox.sh('for n; do eval "printf \'%s\\\\0\' \\"\\$$n\\""; done', options, names);
  return stdout.split('\0').slice(0, -1);
}
