// Tests one solution through the public HTTP API, its output on screen as it comes.
// Usage: node tools/quickstart-test.mjs SOLUTION_ID [URL]
import { realpathSync } from 'node:fs';

/** Resolves to whether the solution ran and completed; rejects with a sentence when the API refuses. */
export async function testSolution(solutionId, url) {
  const api = `${url}/api/ergon/sandbox`;

  console.log(`POST /test   solution ${solutionId}`);
  const { sandbox_id, provider } = await json(await send('POST', `${api}/test`, { solution_id: solutionId }));
  console.log(`             sandbox ${sandbox_id} of provider ${provider}`);

  console.log('POST /execute');
  const stream = await send('POST', `${api}/execute`, { sandbox_id });
  let end;
  for await (const event of events(stream.body)) {
    if (event.line !== undefined) console.log(`  | ${event.line}`);
    if (event.error !== undefined) console.log(`  ! ${event.error}`);
    if (event.done) end = event;
  }
  if (end === undefined) throw new Error('The stream ended before the execution did.');

  const results = await json(await send('GET', `${api}/results/${sandbox_id}`));
  const time = results.execution_time === null ? '' : ` after ${results.execution_time.toFixed(2)} s`;
  console.log(`GET /results  ${results.status}, exit code ${results.exit_code}${time}`);
  for (const sentence of results.errors) console.log(`  ! ${sentence}`);
  await send('DELETE', `${api}/${sandbox_id}`);
  return end.status === 'completed' && results.status === 'completed' && results.exit_code === 0;
}

async function send(method, url, body) {
  const headers = { 'Content-Type': 'application/json' };
  if (process.env.ERGON_SANDBOX_TOKEN) headers.Authorization = `Bearer ${process.env.ERGON_SANDBOX_TOKEN}`;
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) {
    const text = await response.text();
    throw new Error(`${method} ${new URL(url).pathname} answered ${response.status}: ${detail(text)}`);
  }
  return response;
}

/** The sentence of a problem+json answer; any other answer as it is. */
function detail(text) {
  try {
    const problem = JSON.parse(text);
    return problem.detail ?? problem.title ?? text;
  } catch {
    return text;
  }
}

function json(response) {
  return response.json();
}

/** The data of server-sent events, parsed. */
async function* events(body) {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:')); // others: id, comments
      if (data.length > 0) yield JSON.parse(data.map((line) => line.slice(5)).join('\n'));
    }
  }
}

if (realpathSync(process.argv[1]) === import.meta.filename) {
  const [solutionId, url = 'http://127.0.0.1:8102'] = process.argv.slice(2);
  try {
    process.exitCode = (await testSolution(solutionId, url)) ? 0 : 1;
  } catch (error) {
    // fetch says only "fetch failed"; its cause knows why.
    console.error(error.cause?.message ?? error.message);
    process.exitCode = 1;
  }
}
