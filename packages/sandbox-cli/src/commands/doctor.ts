import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sentenceOf } from '@ergon/sandbox-core';
import type { ProviderProbe, SandboxProvider } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';
import { closeFactory, localFactory } from '../local/runner.js';
import { makeStateFolder } from '../local/state.js';
import { paintFor, plain } from '../output/words.js';
import { withServer } from '../server.js';

export interface Finding {
  readonly what: string;
  /** works: as it should; weaker: it runs, and something is missing; broken: it does not work. */
  readonly verdict: 'works' | 'weaker' | 'broken';
  /** What is the case. */
  readonly detail: string;
  /** What to do, if anything. */
  readonly fix?: string;
}

/** @returns 0 when a run would work here */
export async function doctor(options: { url?: string; json?: unknown }): Promise<number> {
  const basis = [nodeFinding(process.versions.node), platformFinding(), await stateFinding()];
  const probes = await probeProviders();
  const isolates = [...probes.values()].some(({ available }) => available);
  const works = isolates && basis.every(({ verdict }) => verdict !== 'broken');
  const findings = [
    ...basis,
    ...[...probes].flatMap(([name, probe]) => providerFindings(name, probe, isolates)),
    ...(options.url === undefined ? [] : [await serverFinding(options.url)]),
  ];
  process.stdout.write(
    options.json === undefined ? textOf(findings, works) : `${JSON.stringify({ works, findings })}\n`,
  );
  return works ? 0 : 1;
}

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > 20 || (major === 20 && minor >= 19);
  if (isNew) return { what: 'Node', verdict: 'works', detail: version };
  return { what: 'Node', verdict: 'broken', detail: `${version} is too old.`, fix: 'Install Node 20.19 or newer.' };
}

function platformFinding(): Finding {
  return { what: 'system', verdict: 'works', detail: `${process.platform} ${process.arch}` };
}

async function stateFinding(): Promise<Finding> {
  try {
    return { what: 'folder of runs', verdict: 'works', detail: await makeStateFolder() };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { what: 'folder of runs', verdict: 'broken', detail: error.message, fix: error.hint ?? '' };
  }
}

async function probeProviders(): Promise<ReadonlyMap<string, ProviderProbe>> {
  const folder = await mkdtemp(join(tmpdir(), 'ergon-sandbox-doctor-'));
  const factory = await localFactory(folder);
  try {
    const probes = factory.providers.map(async (provider) => [provider.name, await probeOf(provider)] as const);
    return new Map(await Promise.all(probes));
  } finally {
    await closeFactory(factory);
    await rm(folder, { recursive: true, force: true });
  }
}

async function probeOf(provider: SandboxProvider): Promise<ProviderProbe> {
  try {
    return await provider.probe();
  } catch (error) {
    const fix = 'That is what is left over, or unusual here; try again, and look at what it names.';
    return { available: false, reason: sentenceOf(error), fix };
  }
}

/** @param isolates some provider works: then another that does not is but a weakness */
export function providerFindings(name: string, probe: ProviderProbe, isolates: boolean): readonly Finding[] {
  if (!probe.available) {
    return [{ what: name, verdict: isolates ? 'weaker' : 'broken', detail: probe.reason, fix: probe.fix }];
  }
  const { capabilities } = probe;
  const limitsThatAre = (how: string): string =>
    Object.entries(capabilities.limits)
      .filter(([, enforcement]) => enforcement === how)
      .map(([limit]) => limit)
      .join(', ');
  const soft = limitsThatAre('best-effort');
  const none = limitsThatAre('none');
  const findings: Finding[] = [{ what: name, verdict: 'works', detail: `isolates by ${capabilities.isolation}` }];
  for (const [fact, detail] of Object.entries(capabilities.details)) {
    const isLacking = fact === 'terminals' && !capabilities.tty;
    findings.push({ what: `${name}: ${fact}`, verdict: isLacking ? 'weaker' : 'works', detail });
  }
  if (soft !== '') {
    findings.push({ what: `${name}: limits`, verdict: 'weaker', detail: `Best effort: ${soft}.`, fix: softFix });
  }
  if (none !== '') findings.push({ what: `${name}: limits`, verdict: 'weaker', detail: `Not kept: ${none}.` });
  return findings;
}

const softFix = 'With --strict, a run that asks for such a limit is refused rather than run.';

async function serverFinding(url: string): Promise<Finding> {
  try {
    const { status } = await withServer(url, (client) => client.health());
    return { what: 'server', verdict: status === 'healthy' ? 'works' : 'weaker', detail: `${url} is ${status}` };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { what: 'server', verdict: 'weaker', detail: error.message, fix: error.hint ?? '' };
  }
}

function textOf(findings: readonly Finding[], works: boolean): string {
  const paint = paintFor(process.stdout);
  const marks = { works: paint('green', '✓'), weaker: paint('yellow', '!'), broken: paint('red', '✗') };
  const lines = findings.map(({ what, verdict, detail, fix = '' }) => {
    const line = `${marks[verdict]} ${paint('bold', what)}: ${plain(detail)}`;
    return fix === '' ? line : `${line}\n    ${plain(fix)}`;
  });
  const end = works
    ? paint('green', 'Programs run in sandboxes here.')
    : paint('red', 'Programs cannot be run in sandboxes here.');
  return `${[...lines, '', end].join('\n')}\n`;
}
