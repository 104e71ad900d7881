import type { SandboxConfig } from '@ergon/sandbox-core';
import { canonical } from './pull/index.js';

/** By the language of a solution; Debian's for those that are none of these. */
const DEFAULTS: Readonly<Record<string, string>> = {
  python: 'python:3-slim',
  node: 'node:22-slim',
  shell: 'debian:stable-slim',
  default: 'debian:stable-slim',
};

/** The image of a sandbox: what is asked for, else that of the language, else the default. */
export function imageFor({ image, language }: SandboxConfig, images: Readonly<Record<string, string>>): string {
  const ours: Readonly<Record<string, string>> = { ...DEFAULTS, ...images };
  return image ?? (language === undefined ? undefined : ours[language]) ?? ours.default ?? '';
}

/** All that the configuration names, or the defaults where it does not. */
export function configuredImages(images: Readonly<Record<string, string>>): string[] {
  return Object.values({ ...DEFAULTS, ...images });
}

/**
 * The image of our own containers that watch the disk. What it says is believed, so neither a request nor a solution chooses it: `tools`, else the first of the
 * configuration's images that is there; else, `isThere` false, the one that has to be got.
 */
export function toolsImage(
  { language }: Pick<SandboxConfig, 'language'>,
  images: Readonly<Record<string, string>>,
  there: ImageList,
): { readonly reference: string; readonly isThere: boolean } {
  const ours: Readonly<Record<string, string>> = { ...DEFAULTS, ...images };
  const candidates = [language ?? 'default', 'default', 'shell', 'python', 'node'].map((name) => ours[name] ?? '');
  const found = images.tools ?? candidates.find((reference) => there.has(reference));
  return { reference: found ?? candidates[0] ?? '', isThere: found !== undefined };
}

/** The sentence about a missing image for our own containers. */
export const missingTools =
  'Of the images that the server is configured with none is on the Docker engine, and one has to watch the disk of an image that was asked for: ' +
  'name one with "tools" in ERGON_SANDBOX_IMAGES, or get "debian:stable-slim" with "docker pull debian:stable-slim".';

/** The sentence about a missing image that the configuration names for containers of ours. */
export function missingOwn(what: 'tools' | 'network', reference: string): string {
  return `The Docker engine does not have the image "${reference}" of "${what}". Get it with "docker pull ${reference}".`;
}

/** The sentence about an image that the engine does not have. @param obstacle why it is not pulled, a sentence or nothing */
export function missingImage(reference: string, config: SandboxConfig, obstacle = ''): string {
  const otherwise =
    config.image === undefined
      ? ` Or name another for solutions ${config.language === undefined ? 'without a language' : `in "${config.language}"`} in ERGON_SANDBOX_IMAGES.`
      : '';
  const why = obstacle === '' ? '' : `${obstacle} `;
  return `The Docker engine does not have the image "${reference}". ${why}Get it with "docker pull ${reference}".${otherwise}`;
}

/** The sentence about a service's image that the engine does not have. @param obstacle why it is not pulled, a sentence or nothing */
export function missingService(name: string, reference: string, obstacle: string): string {
  const why = obstacle === '' ? '' : `${obstacle} `;
  return `The Docker engine does not have the image "${reference}" of the service "${name}". ${why}Get it with "docker pull ${reference}".`;
}

/** The images that an engine has, by name and by id. */
export class ImageList {
  readonly #names: ReadonlySet<string>;
  readonly #ids: readonly string[];

  constructor(images: readonly { readonly id: string; readonly names: readonly string[] }[]) {
    this.#names = new Set(images.flatMap(({ names }) => names).map(canonical));
    this.#ids = images.map(({ id }) => id.replace(/^sha256:/, ''));
  }

  has(reference: string): boolean {
    const digits = reference.replace(/^sha256:/, '');
    if (/^[0-9a-f]{4,64}$/.test(digits) && this.#ids.some((id) => id.startsWith(digits))) return true;
    return this.#names.has(canonical(reference));
  }
}
