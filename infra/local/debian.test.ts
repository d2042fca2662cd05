import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingPackages } from './debian.ts';

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
