import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ConfigError, loadSettings, parseSettings } from '../../src/config/load.ts';
import { policyOf } from '../../src/config/settings.ts';
import { temporaryFolder } from '../support/temporary.ts';

const mistakes: [string, string, RegExp][] = [
  ['broken TOML', '[server]\nlisten = \n', /^n\.toml:2: /],
  [
    'an unknown key',
    '[server]\n\nmax_conections = 3',
    /^n\.toml:3: server\.max_conections: unknown key; did you mean max_connections\?$/,
  ],
  [
    'an unknown key like no other',
    '[log]\nzzzzzzzz = 3',
    /^n\.toml:2: log\.zzzzzzzz: unknown key; known here: level, format$/,
  ],
  ['an unknown table', '[sever]\n', /^n\.toml:1: sever: unknown key; did you mean server\?$/],
  [
    'an unknown key of a vault',
    '[vaults.web1]\nreveals = "nothing"',
    /^n\.toml:2: vaults\.web1\.reveals: unknown key; did you mean reveal\?$/,
  ],
  [
    'a value of the wrong type',
    '[server]\nmax_connections = "many"',
    /^n\.toml:2: server\.max_connections: must be a whole number from 1 to 100000$/,
  ],
  [
    'a value out of bounds',
    '# c\n[push]\nworkers = 0',
    /^n\.toml:3: push\.workers: must be a whole number from 1 to 64$/,
  ],
  [
    'a choice that is none',
    '[defaults]\nreveal = "all"',
    /^n\.toml:2: defaults\.reveal: must be one of "checksums", "nothing"$/,
  ],
  [
    'a size that is none',
    '[defaults]\nreveal_floor = "4 parsecs"',
    /^n\.toml:2: defaults\.reveal_floor: must be a size from 0 /,
  ],
  [
    'a block below the least',
    'defaults.minimum_block = 16',
    /^n\.toml:1: defaults\.minimum_block: must be a size from 512 /,
  ],
  ['an address without a port', '[server]\nlisten = "localhost"', /^n\.toml:2: server\.listen: must be HOST:PORT/],
  ['an address of several', '[server]\nlisten = ["[::1]:1", "x"]', /^n\.toml:2: server\.listen\.1: must be HOST:PORT/],
  ['a port that is none', '[server]\nlisten = "[::]:99999"', /^n\.toml:2: server\.listen: must be HOST:PORT \(up/],
  ['no address', '[server]\nlisten = []', /^n\.toml:2: server\.listen: must be HOST:PORT/],
  [
    'TLS without a certificate',
    '[tls]\nlisten = "[::]:874"\nkey = "k"',
    /^n\.toml:1: tls\.certificate: must name a file/,
  ],
  [
    'client certificates without a CA',
    '[tls]\nclient_certificates = "required"',
    /^n\.toml:2: tls\.client_certificates: needs client_ca/,
  ],
  ['no trusted proxy', '[server]\nproxy_protocol = true', /^n\.toml:2: server\.proxy_protocol: needs trusted_proxies/],
  [
    'a proxy by its name',
    '[tls]\ntrusted_proxies = ["localhost"]',
    /^n\.toml:2: tls\.trusted_proxies: localhost is a name, not an address$/,
  ],
  ['an unknown key of TLS', '[tls]\ncertficate = "c"', /^n\.toml:2: tls\.certficate: .* did you mean certificate\?$/],
  ['a table that is a number', 'server = 3', /^n\.toml:1: server: must be a table/],
  ['a flag that is text', '[server]\nlist_modules = "no"', /^n\.toml:2: server\.list_modules: must be true or false$/],
  ['a vault that cannot be', '[vaults."../x"]\numask = 0', /^n\.toml:1: vaults\.\.\.\/x: is not the name of a client$/],
];

for (const [what, toml, message] of mistakes) {
  test(`${what} is told with its file, line and key`, () => {
    assert.throws(
      () => parseSettings(toml, 'n.toml'),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('all mistakes are told at once', () => {
  const toml = '[server]\nlisten = 1\nfoo = 2\n[push]\nworkers = 1000\n';
  assert.throws(
    () => parseSettings(toml, 'n.toml'),
    (error: Error) => error.message.split('\n').length === 3,
  );
});

test('a file that is not there gives the defaults', (t) => {
  const file = path.join(temporaryFolder(t), 'nightdrop.toml');
  assert.deepEqual(loadSettings(file), parseSettings('', file));
  writeFileSync(file, '[server]\nlisten = "0.0.0.0:1"\n');
  assert.deepEqual(loadSettings(file).server.listen, ['0.0.0.0:1']);
  writeFileSync(file, '[server]\nlisten = ["0.0.0.0:1", "[::1]:2"]\n');
  assert.deepEqual(loadSettings(file).server.listen, ['0.0.0.0:1', '[::1]:2']);
});

test('a vault changes what it names and keeps the defaults for the rest', () => {
  const toml =
    '[defaults]\nreveal_floor = "1M"\numask = 0o077\n[vaults.a]\nreveal = "nothing"\n[vaults."b.c"]\numask = 0';
  const settings = parseSettings(toml, 'n.toml');
  assert.equal(policyOf(settings, 'a').reveal, 'nothing');
  assert.equal(policyOf(settings, 'a').revealFloor, 1 << 20);
  assert.equal(policyOf(settings, 'a').umask, 0o077);
  assert.equal(policyOf(settings, 'b.c').umask, 0);
  assert.equal(policyOf(settings, 'c').reveal, 'checksums');
  assert.equal(policyOf(settings, 'constructor').reveal, 'checksums');
});
