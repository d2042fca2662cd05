import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { libraryFolders, missingPackages } from './debian.ts';
import { mirrorsOf } from './debian-suite.ts';

test('apt names what is missing; what it would only upgrade is left to the system', () => {
  const simulation = [
    'NOTE: This is only a simulation!',
    'Inst libc6 [2.36-9] (2.36-9+deb12u10 Debian:12.15/oldstable [amd64])',
    'Inst libaio1 (0.3.113-4 Debian:12.15/oldstable [amd64])',
    'Inst mariadb-server-core (1:10.11.19-0+deb12u1 Debian-Security:12/oldstable-security [amd64])',
    'Conf libaio1 (0.3.113-4 Debian:12.15/oldstable [amd64])',
  ];
  assert.deepEqual(missingPackages(simulation.join('\n')), ['libaio1', 'mariadb-server-core']);
});

test("Debian's mirrors are those that apt would ask here, then Debian's own default", () => {
  const uris = [
    "'http://mirror.example/debian/dists/bookworm/InRelease' mirror.example_debian_dists_bookworm_InRelease 0 ",
    "'http://mirror.example/debian/dists/bookworm-updates/InRelease' mirror.example_debian_dists_bookworm-updates 0 ",
    "'http://mirror.example/debian-security/dists/bookworm-security/InRelease' mirror.example_debian-security 0 ",
    "'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror.example_debian_dists 0 ",
    "'https://packages.example/node/dists/nodistro/InRelease' packages.example_node_dists_nodistro_InRelease 0 ",
  ];
  assert.deepEqual(mirrorsOf(uris.join('\n')), ['http://mirror.example/debian', 'http://deb.debian.org/debian']);
  assert.deepEqual(mirrorsOf(''), ['http://deb.debian.org/debian']);
});

test('libraries that a package keeps for itself are found, after the shared ones', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'unpacked-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const shared = join(folder, 'usr/lib/x86_64-linux-gnu');
  for (const file of ['libpulse.so.0', 'pulseaudio/libpulsecommon-16.1.so', 'perl/5.36/strict.pm']) {
    mkdirSync(join(shared, file, '..'), { recursive: true });
    writeFileSync(join(shared, file), '');
  }
  assert.deepEqual(libraryFolders(folder), [shared, join(shared, 'pulseaudio')]);
});
