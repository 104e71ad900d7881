import Dockerode from 'dockerode';

/** Raw access to the engine of the tests, by DOCKER_HOST: to look at what there is, and to do without the product. */
export const docker = new Dockerode();

/** All that an instance has in the engine now. Finds it by listing, not by asking the product. */
export async function leftovers(instanceId: string, engine: Dockerode = docker): Promise<string[]> {
  const [containers, { Volumes: volumes }, networks] = await Promise.all([
    engine.listContainers({ all: true }),
    engine.listVolumes(),
    engine.listNetworks(),
  ]);
  const own = (labels: Readonly<Record<string, string>> | null | undefined): boolean =>
    Object.values(labels ?? {}).includes(instanceId);
  return [
    ...containers.filter(({ Labels }) => own(Labels)).map(({ Names, State }) => `container ${Names.join()} ${State}`),
    ...volumes.filter(({ Labels }) => own(Labels)).map(({ Name }) => `volume ${Name}`),
    ...networks.filter(({ Labels }) => own(Labels)).map(({ Name }) => `network ${Name}`),
  ];
}
