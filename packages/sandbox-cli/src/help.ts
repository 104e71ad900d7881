const exits = `
Exit codes:
  the program's own       as it ended; 128 + n if it met signal n by itself
  124                     its time was over
  125                     it was not run: an option, the folder or the sandbox is at fault
  129, 130, 143           stopped by SIGHUP, Ctrl-C or SIGTERM
  137                     ended at a limit, such as that of memory
  141                     whoever read the output has gone (| head)
`;
const serverExits = `
Exit codes:
  0                       done
  1                       the server could not be reached, or refused
  2                       wrong use
`;
const serverEnvironment = `
Environment:
  ERGON_SANDBOX_URL       the server, if --url is not given
  ERGON_SANDBOX_TOKEN     the token that the server asks for
  NO_COLOR                no colours, if it is not empty
`;

const texts: Readonly<Record<string, string>> = {
  program: `
Examples:
  $ ergon-sandbox run .                          the main file of this folder
  $ ergon-sandbox run . -- python -m pytest      something else in it
  $ ergon-sandbox run script.py --timeout 10     one file, for at most ten seconds
  $ ergon-sandbox doctor                         why does it not work here?

"ergon-sandbox help COMMAND" tells of a command's options, exit codes and environment.
`,
  run: `
The folder's text files become /solution (read-only) and /workspace (a copy, where the program starts). Without a
solution.json the main file is main.py, solution.py, main.js, index.js, main.mjs, index.mjs or main.sh. What the program writes
to stdout and stderr comes on ours as it is; our own words go to stderr. Ctrl-C asks the program to end, and ends it
after a second; a second Ctrl-C does not wait for that.

Examples:
  $ ergon-sandbox run examples/hello
  $ ergon-sandbox run . --memory 256m --timeout 10 -e API_URL=http://localhost -e LANG
  $ ergon-sandbox run . -o results -- python plot.py
  $ ergon-sandbox run . -t -- python
  $ generate | ergon-sandbox run filter.py -i | head
  $ ergon-sandbox run . --json | jq .metrics.memory_peak
${exits}
Environment:
  XDG_STATE_HOME          where a run keeps what it needs while it lasts (~/.local/state)
  DOCKER_HOST             the Docker engine
  ERGON_SANDBOX_IMAGES    its images: python=IMAGE,node=IMAGE,shell=IMAGE,default=IMAGE,tools=IMAGE
  NO_COLOR                no colours, if it is not empty
`,
  test: `
Examples:
  $ ergon-sandbox test hello-python
  $ ergon-sandbox test word-count --tests
  $ ergon-sandbox test word-count --url http://sandbox.example.org:8102 -- python -V
${exits}${serverEnvironment}`,
  add: `
Examples:
  $ ergon-sandbox add my-solution
  $ ergon-sandbox add my-solution --tests --id my-solution
${exits}${serverEnvironment}`,
  solutions: `
Example:
  $ ergon-sandbox solutions --name count
${serverExits}${serverEnvironment}`,
  history: `
Example:
  $ ergon-sandbox history --solution hello-python -n 5
${serverExits}${serverEnvironment}`,
  logs: `
Lines of stdout go to stdout, lines of stderr to stderr.

Example:
  $ ergon-sandbox logs -f 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
${serverExits}${serverEnvironment}`,
  providers: serverExits + serverEnvironment,
  doctor: `
Exit codes:
  0                       "ergon-sandbox run" works here
  1                       it does not; the findings say why

Environment:
  PATH, DOCKER_HOST, XDG_STATE_HOME, ERGON_SANDBOX_URL, ERGON_SANDBOX_TOKEN
`,
  completion: `
Examples:
  $ source <(ergon-sandbox completion bash)                                     in ~/.bashrc
  $ source <(ergon-sandbox completion zsh)                                      in ~/.zshrc, after compinit
  $ ergon-sandbox completion fish > ~/.config/fish/completions/ergon-sandbox.fish
`,
};

/** What stands below a command's options. */
export function helpOf(name: string): string {
  return texts[name] ?? '';
}
