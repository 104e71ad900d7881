interface Text {
  /** One line for the list of commands. */
  readonly summary: string;
  /** Above the options; wrapped to the terminal's width. */
  readonly description: string;
  /** Below the options, as it is: at most 80 columns. */
  readonly more: string;
}

const runExits = `
Exit codes:
  the program's own    as it ended; 128 + n if it met signal n by itself
  124                  its time was over
  125                  it was not run: an option, the folder, the sandbox or the
                       server is at fault, as stderr says
  129, 130, 143        stopped by SIGHUP, Ctrl-C or SIGTERM
  137                  ended at a limit, such as that of memory
  141                  whoever read the output has gone ("| head")
`;
const serverExits = `
Exit codes:
  0    done
  1    the server could not be reached, or refused
  2    wrong use
`;
const colour = '  NO_COLOR               if it is not empty, no colours\n';
const serverVariables = `  ERGON_SANDBOX_URL      the server, where --url is not given
  ERGON_SANDBOX_TOKEN    the token that the server asks for
`;
const localVariables = `  XDG_STATE_HOME         where a run keeps what it needs while it lasts, in the
                         folder "ergon-sandbox" (~/.local/state)
  DOCKER_HOST            the Docker engine (unix:///var/run/docker.sock)
  ERGON_SANDBOX_IMAGES   its images, by what they are for: python=IMAGE,
                         node=IMAGE,shell=IMAGE,default=IMAGE,network=IMAGE,
                         tools=IMAGE
`;
const serverEnvironment = `\nEnvironment:\n${serverVariables}${colour}`;

const folderTexts =
  "The folder's text files become /solution, which is read-only, and /workspace, a copy in which the program starts. " +
  'Where there is a solution.json, it says what is run; without one, that is the main file: main.py, solution.py, ' +
  'main.js, index.js, main.mjs, index.mjs or main.sh, whichever is there first. Links, binary files and what tools ' +
  'leave beside a program (.git, node_modules, .venv and the like) are left out.';

export const texts = {
  program: {
    summary: '',
    description: 'Runs programs that nobody trusts in sandboxes: of a folder here, or of a solution on a server.',
    more: `
Examples:
  $ ergon-sandbox run .                        the main file of this folder
  $ ergon-sandbox run . -- python -m unittest  something else in it
  $ ergon-sandbox run script.py --timeout 10   one file, for at most ten seconds
  $ ergon-sandbox doctor                       why does it not work here?

"ergon-sandbox help COMMAND" tells of a command's options, exit codes and
environment.
`,
  },
  run: {
    summary: 'run the program of a folder, or one file, in a sandbox of this machine',
    description:
      'Runs the program of a folder, or one file, in a sandbox of this machine. No server is needed.\n\n' +
      `${folderTexts}\n\n` +
      'What the program writes to stdout and stderr comes there as it is; our own words go to stderr. Ctrl-C asks it to ' +
      'end, and ends it a second later; a second Ctrl-C does not wait.',
    more: `
Examples:
  $ ergon-sandbox run .
  $ ergon-sandbox run . --memory 256m --timeout 10 -e LANG -e LEVEL=3
  $ ergon-sandbox run . -o results -- python plot.py
  $ ergon-sandbox run . -t -- python
  $ generate | ergon-sandbox run filter.py -i | head
  $ ergon-sandbox run . --json | jq .metrics.memory_peak
${runExits}
Environment:
${localVariables}${colour}`,
  },
  test: {
    summary: 'run a solution of a server there',
    description:
      'Opens a sandbox for a solution on a server, runs its command there, prints what that prints, and removes the ' +
      'sandbox. Where the connection breaks, it goes on with another one: nothing is run twice, and no output is missing. ' +
      'Ctrl-C stops the command.',
    more: `
Examples:
  $ ergon-sandbox test hello-python
  $ ergon-sandbox test word-count --tests
  $ ergon-sandbox test word-count --url http://127.0.0.1:9000 -- python -V
${runExits}${serverEnvironment}`,
  },
  add: {
    summary: 'run a folder here, and store it on a server as a solution if it exits with 0',
    description:
      'Runs the program of a folder in a sandbox of this machine, as "run" does, and if it exits with 0 stores the folder ' +
      'on a server as a solution. Prints the id of the solution; what the program writes goes to stderr.',
    more: `
Examples:
  $ ergon-sandbox add ./folder --id mine
  $ ergon-sandbox add ./folder --id mine --tests

Exit codes:
  0      stored
  1      it was not run, or the server could not be reached, or refused
  2      wrong use
  other  those of "run", where the program ended with one: nothing was stored

Environment:
${serverVariables}${localVariables}${colour}`,
  },
  solutions: {
    summary: 'list the solutions of a server',
    description: 'Lists the solutions of a server.',
    more: `
Examples:
  $ ergon-sandbox solutions --name count
  $ ergon-sandbox solutions --json | jq -r '.[].id'
${serverExits}${serverEnvironment}`,
  },
  history: {
    summary: 'list the executions of a server',
    description: 'Lists the executions of a server, the newest first: what ran, how it ended, and when.',
    more: `
Examples:
  $ ergon-sandbox history --solution hello-python -n 5
${serverExits}${serverEnvironment}`,
  },
  logs: {
    summary: 'print what an execution on a server wrote',
    description:
      'Prints what an execution on a server wrote, to stdout what it wrote to stdout, and to stderr what it wrote there. ' +
      'Of one that still runs that is what there is by now, at most 1 MiB of each, unless -f is given.',
    more: `
Examples:
  $ ergon-sandbox logs -f 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
  $ ergon-sandbox logs --json EXECUTION_ID | jq 'select(.type == "metrics")'
${serverExits}${serverEnvironment}`,
  },
  volumes: {
    summary: 'list the volumes of the solutions of a server, or remove some',
    description:
      'Lists the volumes of the solutions of a server: folders that outlive the sandboxes of a solution, in which they ' +
      'are found at /volumes/NAME. A solution gets one by "requires_persistence" (it is called "data") or "volumes" in its ' +
      'content, a run by "ergon-sandbox test --volume". Each is counted when it is listed; what could not be counted in ' +
      'time is shown as "-".\n\n' +
      'With "remove" removes volumes of one solution, with all that they hold; it asks nothing, and there is no way back. ' +
      'One that a sandbox has is refused. Volumes stay when their solution is deleted, and its id finds them again.',
    more: `
Examples:
  $ ergon-sandbox volumes
  $ ergon-sandbox volumes list word-count
  $ ergon-sandbox volumes remove word-count data
  $ ergon-sandbox volumes --json | jq 'map(.size) | add'
${serverExits}${serverEnvironment}`,
  },
  providers: {
    summary: "list a server's providers",
    description:
      "Lists a server's providers, which is taken where a request names none, and why one is not available. What each can " +
      'do is in its JSON.',
    more: `
Examples:
  $ ergon-sandbox providers --json | jq '."sandbox-exec".capabilities'
${serverExits}${serverEnvironment}`,
  },
  doctor: {
    summary: 'say what works on this machine, what does not, and how to fix it',
    description:
      'Looks at what a run needs on this machine, by trying it: Node, the folder for runs, bubblewrap, the Docker engine, ' +
      'and the server where one is named. Says what works (✓), what works with something missing (!), what does not (✗), ' +
      'and how to fix it.',
    more: `
Exit codes:
  0    "ergon-sandbox run" works here
  1    it does not; the findings say why
  2    wrong use

Environment:
  PATH                   where bubblewrap, the languages and other tools are
${localVariables}${serverVariables}${colour}`,
  },
  completion: {
    summary: 'print a script that completes commands and options in a shell',
    description: 'Prints a script by which a shell completes commands, options and their values.',
    more: `
Examples:
  In ~/.bashrc:
  $ source <(ergon-sandbox completion bash)
  In ~/.zshrc, after compinit:
  $ source <(ergon-sandbox completion zsh)
  Once:
  $ ergon-sandbox completion fish \\
      > ~/.config/fish/completions/ergon-sandbox.fish

Exit codes:
  0    done
  2    wrong use
`,
  },
} as const satisfies Readonly<Record<string, Text>>;
