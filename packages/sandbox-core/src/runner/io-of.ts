import type { ResourceUsage } from '../contract/usage.js';

/** What went over networks and to and from disks, where it was measured. */
export function ioOf(
  usage: ResourceUsage | undefined,
): Pick<ResourceUsage, 'networkReceivedBytes' | 'networkSentBytes' | 'diskReadBytes' | 'diskWrittenBytes'> {
  const { networkReceivedBytes, networkSentBytes, diskReadBytes, diskWrittenBytes } = usage ?? {};
  return {
    ...(networkReceivedBytes != null && { networkReceivedBytes }),
    ...(networkSentBytes != null && { networkSentBytes }),
    ...(diskReadBytes != null && { diskReadBytes }),
    ...(diskWrittenBytes != null && { diskWrittenBytes }),
  };
}
