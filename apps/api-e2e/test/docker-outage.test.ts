import { describeAsRoot, OwnEngine } from './engine.js';
import { registry, sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { execute, linesOf } from './sse.js';
import type { Message } from './sse.js';
import { until } from './until.js';

// Stops and starts an engine, which only root may.
let engine: OwnEngine;
let server: TestServer;
let solution: string;

describeAsRoot('with an engine of its own', () => {
  beforeAll(async () => {
    engine = await OwnEngine.launch();
    server = await engine.server();
    const content = { code: 'echo hello', main_file: 'main.sh' };
    const unit = { type: 'solution', name: 'hello', version: '1', content };
    solution = (await server.ok('POST', registry('/store'), unit)).id;
  }, 300_000);

  afterAll(async () => {
    await TestServer.endAll();
    await engine.remove();
  });

  interface Opened extends Body {
    readonly provider: string;
    readonly selection: {
      readonly fallback: boolean;
      readonly considered: readonly { provider: string; verdict: string; reason: string }[];
      readonly notes: readonly string[];
    };
  }

  /** Opens a sandbox and runs the solution in it. @returns the answer to its opening, and its result */
  async function open(request: Record<string, unknown> = {}): Promise<{ opened: Opened; result: Body }> {
    const path = sandbox('/test');
    const opened = (await server.ok('POST', path, { solution_id: solution, run: true, ...request })) as Opened;
    const result = await server.ok('GET', sandbox(`/results/${opened.sandbox_id}?wait=30`));
    await server.ok('DELETE', sandbox(`/${opened.sandbox_id}`));
    return { opened, result };
  }

  function verdict({ selection }: Opened, provider: string): { verdict: string; reason: string } | undefined {
    return selection.considered.find((one) => one.provider === provider);
  }

  async function health(): Promise<Record<string, boolean>> {
    const answer = (await server.ok('GET', sandbox('/health'))) as unknown as { providers: Record<string, boolean> };
    return answer.providers;
  }

  async function providers(): Promise<Record<string, { available: boolean; is_default: boolean; reason?: string }>> {
    return (await server.ok('GET', sandbox('/providers'))) as never;
  }

  const dockerIs = (up: boolean): Promise<void> => until(async () => (await health()).docker === up, 60_000);

  const fine = { status: 'completed', exit_code: 0, stdout: 'hello\n' };

  test('on Linux a running engine makes docker the choice, and the selection says why', async () => {
    const { opened, result } = await open();
    expect(opened).toMatchObject({ provider: 'docker', selection: { provider: 'docker', fallback: false } });
    expect(verdict(opened, 'docker')).toMatchObject({ verdict: 'chosen', reason: 'Chosen: on Linux it comes first.' });
    expect(verdict(opened, 'sandbox-exec')).toMatchObject({ verdict: 'eligible' });
    expect(result).toMatchObject(fine);
    expect(await providers()).toMatchObject({ docker: { available: true, is_default: true } });
    expect(await health()).toEqual({ docker: true, 'sandbox-exec': true });
  });

  describe('while the engine is stopped', () => {
    beforeAll(async () => {
      await engine.stop();
      await dockerIs(false);
    });

    test('sandbox-exec serves, and selection, providers and health say that the engine does not answer', async () => {
      const { opened, result } = await open();
      expect(opened).toMatchObject({ provider: 'sandbox-exec', selection: { provider: 'sandbox-exec' } });
      const { verdict: ruling, reason } = verdict(opened, 'docker') ?? {};
      expect(ruling).toBe('unavailable');
      expect(reason).toContain(engine.host.replace('unix://', ''));
      expect(result).toMatchObject(fine);
      const { docker, 'sandbox-exec': exec } = await providers();
      expect(docker).toMatchObject({ available: false, is_default: false });
      expect(reason).toContain(docker?.reason ?? 'no reason at all');
      expect(exec).toMatchObject({ available: true, is_default: true });
    });

    test('a request that names docker is served by another, and told so', async () => {
      const { opened, result } = await open({ provider: 'docker' });
      expect(opened).toMatchObject({ provider: 'sandbox-exec', selection: { requested: 'docker', fallback: true } });
      expect(opened.selection.notes).toContain('docker is not available; sandbox-exec serves in its place.');
      expect(result).toMatchObject(fine);
    });

    test('a strict request that names docker is refused', async () => {
      const answer = await server.call('POST', sandbox('/test'), {
        solution_id: solution,
        provider: 'docker',
        strict: true,
      });
      expect(answer).toMatchObject({ status: 503, body: { code: 'SANDBOX001' } });
      expect(answer.body.detail).toContain('docker is not available');
    });
  });

  describe('when the engine is started again', () => {
    beforeAll(async () => {
      await engine.start();
      await dockerIs(true);
    });

    test('docker is the choice again, and nothing is left in it', async () => {
      const { opened, result } = await open();
      expect(opened.provider).toBe('docker');
      expect(result).toMatchObject(fine);
      expect(await engine.all()).toEqual([]);
    });
  });

  describe('an engine that goes in the middle of a run', () => {
    afterEach(async () => {
      if (!engine.isRunning) await engine.start();
      await dockerIs(true);
    });

    /** Runs until the engine is gone. @returns the sandbox and the result, once the whole output was compared */
    async function interrupted(signal: 'SIGKILL' | 'SIGTERM'): Promise<{ id: string; result: Body }> {
      const code = 'i=0; while :; do i=$((i + 1)); echo "line $i"; sleep 0.1; done';
      const id = await server.openShell(code, { provider: 'docker' });
      expect(await server.list(sandbox('/active'))).toMatchObject([{ sandbox_id: id, provider: 'docker' }]);
      const lines: string[] = [];
      const onMessage = ({ data }: Message): unknown => data.line?.startsWith('[stdout]') && lines.push(data.line);
      const running = execute(server, id, {}, { onMessage });
      await until(() => lines.length > 3, 30_000);
      await engine.stop(signal);

      const { messages } = await running;
      const result = await server.ok('GET', sandbox(`/results/${id}`));
      const { status, exit_code } = result;
      expect(messages.at(-1)?.data).toMatchObject({ done: true, status, exit_code });
      expect(lines).toEqual(lines.map((_, index) => `[stdout] line ${index + 1}`));
      expect(linesOf(messages).filter((line) => line.startsWith('[stdout]'))).toEqual(lines);
      return { id, result };
    }

    async function servesAgainAndHasNothing(id: string): Promise<void> {
      await engine.start();
      await dockerIs(true);
      const { opened, result } = await open();
      expect(opened.provider).toBe('docker');
      expect(result).toMatchObject(fine);
      expect((await server.ok('DELETE', sandbox(`/${id}`))) as unknown).toEqual({ success: true });
      expect(await engine.all()).toEqual([]);
    }

    const lost = {
      status: 'failed',
      exit_code: null,
      cause: 'lost',
      errors: [expect.stringMatching(/^The environment was lost: .*(engine|container)/i)],
    };

    test('by a power cut: the run is lost and says so; the engine serves again when it is back, and nothing is left', async () => {
      const { id, result } = await interrupted('SIGKILL');
      expect(result).toMatchObject(lost);
      await servesAgainAndHasNothing(id);
    });

    test('in order: the run has failed and says so; the engine serves again when it is back, and nothing is left', async () => {
      const { id, result } = await interrupted('SIGTERM');
      // It kills its containers before it goes. What is seen first is told.
      const killed = { status: 'failed', exit_code: 137, cause: 'signalled', signal: 'SIGKILL' };
      expect(result).toMatchObject(result.cause === 'lost' ? lost : killed);
      await servesAgainAndHasNothing(id);
    });
  });
});
