import { EXTRA_BIN } from './holder.js';

export const HOME = '/home/sandbox';

/** Folders that no program can write, and which no image has elsewhere. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a process of ours and a program both have. */
const COMMON = { HOME, LANG: 'C.UTF-8' } as const;

/**
 * Of a container in which only ours is trusted: its own variables, and none of its image's, which could name libraries or programs in the
 * workspace (LD_LIBRARY_PATH, LD_PRELOAD, PATH). An entry without `=` takes a variable away (Engine API, Config.Env).
 *
 * @param image `NAME=VALUE`
 */
export function ownVariables(own: Readonly<Record<string, string>>, image: readonly string[]): string[] {
  const taken = image.map((variable) => variable.split('=')[0] ?? '').filter((name) => name !== '');
  return [
    ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
    ...new Set(taken.filter((name) => !Object.hasOwn(own, name))),
  ];
}

/** Config.Env of a run container. */
export function holderVariables(image: readonly string[]): string[] {
  return ownVariables({ PATH: SYSTEM_PATH, ...COMMON }, image);
}

/** What a program finds of its image's variables, and of ours. Names that no shell passes on are left out. */
export function programVariables(image: readonly string[]): Record<string, string> {
  const given = Object.fromEntries(
    image.flatMap((variable) => {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(variable) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  ) as Record<string, string>;
  return { ...given, ...COMMON, PATH: `${programPath(image)}:${EXTRA_BIN}` };
}

/** Where an image's programs are looked for. */
export function programPath(image: readonly string[]): string {
  const path = image.find((variable) => variable.startsWith('PATH='))?.slice('PATH='.length);
  return path === undefined || path === '' ? SYSTEM_PATH : path;
}
