import { SandboxError, isSandboxError, sentenceOf, unmeasuredUsage } from '@ergon/sandbox-core';
import type { ExecuteOptions, ExecutionEnd, OutputChunk, SandboxConfig } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { provesThatTheSuiteCatches } from './support/caught.js';

type Output = AsyncGenerator<OutputChunk, void, undefined>;
type Failing = (error: unknown) => never | void;

/** Meets the refusals of `execute` in its own way. */
function whereRefused(
  meet: Failing,
): (ports: ConstructorParameters<typeof SandboxExecProvider>[0]) => SandboxExecProvider {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Output {
        try {
          yield* super.execute(sandboxId, command, options);
        } catch (error) {
          meet(error);
        }
      }
    })(ports);
}

const guessed: ExecutionEnd = {
  cause: 'exited',
  exitCode: 0,
  signal: null,
  limitsHit: [],
  usage: unmeasuredUsage,
  reason: null,
};

class GuessesResults extends SandboxExecProvider {
  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    try {
      return await super.getResult(sandboxId);
    } catch (error) {
      if (isSandboxError(error) && error.code === 'SANDBOX007') return guessed;
      throw error;
    }
  }
}

class KeepsItsFirstResult extends SandboxExecProvider {
  readonly #first = new Map<string, ExecutionEnd>();

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = this.#first.get(sandboxId) ?? (await super.getResult(sandboxId));
    this.#first.set(sandboxId, end);
    return end;
  }
}

class TellsItsEndOnce extends SandboxExecProvider {
  readonly #told = new Set<string>();

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    if (this.#told.has(sandboxId)) throw new SandboxError('SANDBOX008', 'No command of this sandbox has ended.');
    this.#told.add(sandboxId);
    return end;
  }
}

class MeasuresWhenAsked extends SandboxExecProvider {
  #asked = 0;

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    return this.#asked++ === 0 ? end : { ...end, usage: unmeasuredUsage };
  }
}

class ThrowsWhereProgramsFail extends SandboxExecProvider {
  override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Output {
    yield* super.execute(sandboxId, command, options);
    const { exitCode } = await super.getResult(sandboxId);
    if (exitCode !== 0) throw new Error(`Command failed with exit code ${exitCode}`);
  }
}

class AcceptsIdsTwice extends SandboxExecProvider {
  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    return super.prepare(solutionId, path, config).catch((error: unknown) => {
      if (isSandboxError(error) && sentenceOf(error).includes('exists already')) return config.sandboxId;
      throw error;
    });
  }
}

class RemovesTheSandboxOfATakenId extends SandboxExecProvider {
  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    return super.prepare(solutionId, path, config).catch(async (error: unknown) => {
      await this.cleanup(config.sandboxId);
      throw error;
    });
  }
}

class ReturnsIdsOfItsOwn extends SandboxExecProvider {
  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    return `box-${await super.prepare(solutionId, path, config)}`;
  }
}

provesThatTheSuiteCatches([
  {
    that: 'accepts a second command while one runs',
    create: whereRefused((error) => {
      if (!isSandboxError(error) || error.code !== 'SANDBOX007') throw error;
    }),
    caughtBy: /a second command while one runs is refused/,
    message: /execute\(\) while another runs is refused with SANDBOX007/,
  },
  {
    that: 'refuses with an error that is no SandboxError',
    create: whereRefused((error) => {
      throw new TypeError(sentenceOf(error));
    }),
    caughtBy: /an unknown sandbox is SANDBOX006 for execute/,
    message: /has to be a SandboxError/,
  },
  {
    that: 'refuses without a sentence',
    create: whereRefused(() => {
      throw new SandboxError('SANDBOX006', 'undefined');
    }),
    caughtBy: /an unknown sandbox is SANDBOX006 for execute/,
    message: /An error says what happened in a sentence/,
  },
  {
    that: 'lets an unknown sandbox execute',
    create: whereRefused(() => undefined),
    caughtBy: /an unknown sandbox is SANDBOX006 for execute/,
    message: /execute\(\) of an unknown sandbox is refused with SANDBOX006/,
  },
  {
    that: 'guesses an end while the program runs',
    create: (ports) => new GuessesResults(ports),
    caughtBy: /getResult\(\) before any run is SANDBOX008, while one runs SANDBOX007/,
    message: /getResult\(\) while a command runs is refused with SANDBOX007/,
  },
  {
    that: 'tells the end of an earlier command',
    create: (ports) => new KeepsItsFirstResult(ports),
    caughtBy: /getResult\(\) before any run is SANDBOX008, while one runs SANDBOX007/,
    message: /getResult\(\) tells the end of the last command/,
  },
  {
    that: 'tells an end once',
    create: (ports) => new TellsItsEndOnce(ports),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /getResult\(\) after the output has ended does not fail[^]*SANDBOX008/,
  },
  {
    that: 'tells another end when it is asked again',
    create: (ports) => new MeasuresWhenAsked(ports),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /getResult\(\) tells the end of the last command as often as it is asked/,
  },
  {
    that: 'throws where the program failed',
    create: (ports) => new ThrowsWhereProgramsFail(ports),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /execute\(\) throws only for misuse/,
  },
  {
    that: 'accepts the id of a sandbox that exists',
    create: (ports) => new AcceptsIdsTwice(ports),
    caughtBy: /a sandbox id that exists is refused/,
    message: /Look whether the id is known before anything is made/,
  },
  {
    that: 'removes the sandbox whose id is asked for again',
    create: (ports) => new RemovesTheSandboxOfATakenId(ports),
    caughtBy: /a sandbox id that exists is refused/,
    message: /execute\(\) throws only for misuse[^]*SANDBOX006: There is no sandbox/,
  },
  {
    that: 'returns an id of its own from prepare()',
    create: (ports) => new ReturnsIdsOfItsOwn(ports),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /Return config\.sandboxId/,
  },
]);
