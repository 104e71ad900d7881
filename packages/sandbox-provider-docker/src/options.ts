import { imageField } from '@ergon/sandbox-core';
import { z } from 'zod';
import { volumeOptions } from './named/index.js';
import { pullOptions } from './pull/index.js';

/** Options of the Docker provider. */
export const dockerOptions = z
  .strictObject({
    /** The engine, as DOCKER_HOST has it, e.g. `ssh://me@far`. @default as Docker's own command line finds it */
    host: z.string().min(1).optional(),
    /** A context of Docker's command line instead. */
    context: z.string().min(1).optional(),
    /**
     * Name servers of network `full`: addresses that its sandboxes reach at port 53, private ones too.
     * @default those of this machine for an engine on it, else the engine's own choice
     */
    dns: z.array(z.ipv4()).min(1).optional(),
    /**
     * Images by what a solution is written in, `default` for the rest; and of our own containers `network`, which needs `sh` and `ip`, and
     * `tools`, which watches the disk.
     * @default python:3-slim, node:22-slim, debian:stable-slim; the first of these that is there for `tools`, none for `network`
     */
    images: z.partialRecord(z.enum(['python', 'node', 'shell', 'default', 'network', 'tools']), imageField).default({}),
    /** When the engine gets an image from a registry, and from which. */
    pull: pullOptions.optional(),
    /** Folders of solutions that outlive their sandboxes. */
    volumes: volumeOptions.optional(),
  })
  .refine(
    ({ host, context }) => host === undefined || context === undefined,
    'name the engine by host or by context, not by both',
  );

export type DockerOptions = z.output<typeof dockerOptions>;
