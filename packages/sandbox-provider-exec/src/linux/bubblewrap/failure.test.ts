import { CONTAINER_OPTIONS, explainFailure, type FailureContext } from './failure.js';

const open: FailureContext = {
  maxUserNamespaces: 96_365,
  unprivilegedUserNamespaces: null,
  apparmorRestricts: null,
  inContainer: false,
};

// Messages as bubblewrap printed them on such machines.
const denied = 'bwrap: setting up uid map: Permission denied\n';
const loopback = 'bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted\n';
const noPermission =
  'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces. See <https://deb.li/bubblewrap> or <file:///usr/share/doc/bubblewrap/README.Debian.gz>.\n';
const exceeded =
  'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)\n';

test.each([denied, loopback])("Ubuntu's AppArmor: %s", (message) => {
  const { reason, fix } = explainFailure(message, { ...open, apparmorRestricts: 1 });
  expect(reason).toMatch(/^AppArmor forbids unprivileged user namespaces/);
  expect(fix).toContain('bwrap-userns-restrict');
});

test('a profile of AppArmor that keeps user namespaces from bubblewrap, as on Debian 13', () => {
  const { reason, fix } = explainFailure('bwrap: Creating new namespace failed: Permission denied\n', open);
  expect(reason).toMatch(/^A security module, such as AppArmor, forbids user namespaces/);
  expect(fix).toContain('apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict');
});

test('a default Docker container', () => {
  const { reason, fix } = explainFailure(noPermission, { ...open, inContainer: true });
  expect(reason).toMatch(/^This server runs in a container that does not allow new namespaces/);
  expect(fix).toContain(CONTAINER_OPTIONS);
});

test('a Docker container without a filter, whose /proc is hidden in parts', () => {
  const hidden = "bwrap: Can't mount proc on /newroot/proc: Operation not permitted\n";
  const { reason, fix } = explainFailure(hidden, { ...open, inContainer: true });
  expect(reason).toContain("Can't mount proc");
  expect(fix).toContain('--security-opt systempaths=unconfined');
});

test('sysctls that switch user namespaces off', () => {
  expect(explainFailure(exceeded, { ...open, maxUserNamespaces: 0 }).reason).toContain('switched off');
  expect(explainFailure(exceeded, open).reason).toContain('No more user namespaces');
  expect(explainFailure(noPermission, { ...open, unprivilegedUserNamespaces: 0 }).fix).toContain(
    'kernel.unprivileged_userns_clone=1',
  );
});

test('what is not known is told as it was printed', () => {
  expect(explainFailure('bwrap: something new\n', open).reason).toBe(
    'bubblewrap cannot make a sandbox here: something new.',
  );
  expect(explainFailure('', open).reason).toBe('bubblewrap cannot make a sandbox here: it ended without a message.');
});
