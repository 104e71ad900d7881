import type { ProviderCapabilities, ProviderStatus } from '@ergon/sandbox-core';

type Json = Readonly<Record<string, unknown>>;

export function providerToWire({ available, capabilities, isDefault, reason }: ProviderStatus): Json {
  return {
    available,
    capabilities: capabilities === null ? null : capabilitiesToWire(capabilities),
    is_default: isDefault,
    ...(reason !== null && { reason }),
  };
}

function capabilitiesToWire({ machine, ...capabilities }: ProviderCapabilities): Json {
  return {
    ...capabilities,
    machine: { cpus: machine.cpus, memory: machine.memoryBytes, disk: machine.diskBytes },
  };
}
