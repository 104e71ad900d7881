import type { SandboxFiles } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import type { Create } from './run-suite.js';

/** The sound provider, some of whose calls to files work in their own way. */
export function browses(alter: (files: Required<SandboxFiles>) => Partial<SandboxFiles>): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override files(sandboxId: string): SandboxFiles {
        const files = super.files(sandboxId) as Required<SandboxFiles>;
        return { ...files, ...alter(files) };
      }
    })(ports);
}
