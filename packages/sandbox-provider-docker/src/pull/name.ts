/** Where an image comes from. The grammar of distribution/reference, with Docker's own registry and library written out. */
export interface ImageName {
  /** With its port, e.g. `docker.io`, `registry.example:5000`. */
  readonly registry: string;
  /** E.g. `library/python`. */
  readonly repository: string;
  /** A digest rules out a tag beside it. */
  readonly version: { readonly tag: string } | { readonly digest: string };
}

/** Null: this is an image's id, which no registry knows. */
export function parseImageName(reference: string): ImageName | null {
  if (/^sha256:[0-9a-f]+$/.test(reference) || /^[0-9a-f]{64}$/.test(reference)) return null;
  const [name = '', digest] = reference.split('@');
  const colon = name.lastIndexOf(':');
  const hasTag = colon > name.lastIndexOf('/');
  const path = hasTag ? name.slice(0, colon) : name;
  const [first = '', ...rest] = path.split('/');
  // Docker's rule for what is a host: repositories have neither dots, ports nor capitals in their first part.
  const isHost = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  const registry = isHost ? first.replace(/^index\.docker\.io$/, 'docker.io') : 'docker.io';
  const repository = isHost ? rest.join('/') : path;
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    version: digest === undefined ? { tag: hasTag ? name.slice(colon + 1) : 'latest' } : { digest },
  };
}

/** One spelling for each image. */
export function canonical(reference: string): string {
  const name = parseImageName(reference);
  if (name === null) return reference;
  const { registry, repository, version } = name;
  return `${registry}/${repository}${'tag' in version ? `:${version.tag}` : `@${version.digest}`}`;
}
