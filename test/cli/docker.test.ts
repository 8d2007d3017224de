// `nfreplay docker`: what it makes hosts of, what it says, and what it writes for other commands.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Docker = suite('nfreplay docker');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
let dir: string;

Docker.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Docker.after(() => rmSync(dir, { recursive: true, force: true }));

function nfreplay(...args: string[]) {
  const env = { ...process.env, COLUMNS: '100' };
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: dir, env });
}

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return name;
}

const REDIS = 'docker run --name redistest -d -p 36379:6379 172.16.1.129/redis/3.0.7:v1.1';

Docker('the rules of an engine of 2016 for one container', () => {
  const { status, stdout, stderr } = nfreplay('docker', '--run', REDIS, '--release', '1.12', '-o', '-');
  assert.is(status, 0);
  // As the listings of such hosts have them.
  assert.equal(stdout.match(/^-A .*DOCKER.*$/gm)?.sort(), [
    '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.2:6379',
    '-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT',
    '-A DOCKER -i docker0 -j RETURN',
    '-A DOCKER-ISOLATION -j RETURN',
    '-A FORWARD -j DOCKER-ISOLATION',
    '-A FORWARD -o docker0 -j DOCKER',
    '-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER',
    '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
  ]);
  assert.match(stderr, 'nfreplay: assumed: the host is eth0=192.0.2.10/24,gw=192.0.2.1 (--interface)\n');
});

Docker('a folder that other commands read, and that goes on with further commands', () => {
  const interfaces = ['--interface', 'ens3=203.0.113.9/24,gw=203.0.113.1'];
  const first = nfreplay('docker', '--run', REDIS, '--release', '28.5', ...interfaces, '-o', 'host');
  assert.is(first.status, 0, first.stderr);
  assert.equal(readdirSync(join(dir, 'host')).sort(), ['docker.json', 'host.json', 'names', 'rules.v4']);
  assert.is(readFileSync(join(dir, 'host/names'), 'utf8'), '172.17.0.2 redistest\n');
  const trace = nfreplay('trace', '--host', 'host', 'ens3 tcp 203.0.113.7:5000 > 203.0.113.9:36379 S');
  assert.is(trace.status, 0, trace.stderr);
  assert.match(trace.stdout, 'redistest');
  assert.is(trace.stderr, '');
  const next = nfreplay('docker', 'host', '--run', 'docker run -d --name web -p 80:80 nginx', '-o', 'host');
  assert.is(next.status, 0, next.stderr);
  assert.is(readFileSync(join(dir, 'host/names'), 'utf8'), '172.17.0.2 redistest\n172.17.0.3 web\n');
  assert.match(next.stdout, /web +172\.17\.0\.3 +bridge +0\.0\.0\.0:80 → 80\/tcp/);
});

Docker('what fails as on a real host is told, and is a reason for --strict', () => {
  const script = file('twice.sh', 'docker run -d -p 80:80 nginx\ndocker run -d --name two -p 80:80 nginx\n');
  const { status, stdout, stderr } = nfreplay('docker', '--script', script, '--strict');
  assert.is(status, 1);
  assert.match(stdout, /twice\.sh:2: docker run -d --name two -p 80:80 nginx: .*port is already allocated/s);
  assert.match(stderr, '--strict: 1 command failed; 4 assumptions\n');
});

Docker('the engine starts where a script needs it, behind the rules before it', () => {
  const script = file('boot.sh', 'iptables -A FORWARD -j REJECT\ndocker run -d nginx\n');
  const { stdout, stderr } = nfreplay('docker', '--script', script, '--release', '20.10', '-o', '-');
  const forward = stdout.match(/^-A FORWARD .*$/gm);
  assert.is(forward?.at(-1), '-A FORWARD -j REJECT --reject-with icmp-port-unreachable');
  assert.match(stderr, 'assumed: the engine starts before boot.sh:2, which needs it\n');
});

const SHOP = `services:
  web:
    image: nginx
    ports: ["8080:80"]
    networks: [front, back]
  db: { image: redis, networks: [back] }
networks:
  front:
  back: { internal: true }
`;

Docker('a compose project, and what scan finds open of it', () => {
  const compose = file('compose.yaml', SHOP);
  const made = nfreplay('docker', compose, '-p', 'shop', '--release', '28.5', '-o', 'shop');
  assert.is(made.status, 0, made.stderr);
  assert.match(
    made.stdout,
    /shop-web-1 +172\.18\.0\.2 +shop_back\n +172\.19\.0\.2 +shop_front +0\.0\.0\.0:8080 → 80\/tcp/,
  );
  const { stdout } = nfreplay('scan', '--host', 'shop');
  assert.match(stdout, /tcp +8080\s+→ 172\.19\.0\.2:80 \(shop-web-1\) out br-\w+ \(shop_front\)/);
});

Docker('what is not published, not started or not followed is said', () => {
  const compose = file(
    'silent.yaml',
    `services:
  web: { image: nginx, ports: ["8080:80"], networks: [front, back] }
  db: { image: redis, ports: ["5432:5432", "127.0.0.1:5433:5432"], networks: [back] }
  adminer: { image: adminer, profiles: [debug] }
networks:
  front:
  back: { internal: true }
`,
  );
  const said = (...args: string[]): string =>
    nfreplay('docker', compose, '-p', 'shop', ...args).stdout.replace(/\n +/g, ' ');
  const text = said();
  assert.match(text, '- 5432:5432 and 127.0.0.1:5433:5432 of shop-db-1 are not published: shop_back is internal');
  assert.match(text, '- adminer does not start: its profile debug is off (--profile debug)');
  assert.match(text, '- IPv6 is not followed: ports published on all addresses are published on [::] too');
  assert.match(text, '- nobody but Docker is known to listen on the host itself (sockets in host.json)');
  assert.not.match(said('--profile', 'debug'), 'does not start');
  const local = nfreplay('docker', '--run', 'docker run -p 127.0.0.1:80:80 x', '--dockerd', '--ip 192.0.2.10').stdout;
  assert.not.match(local, 'IPv6');
});

Docker('a port that docker inspect shows on [::] is named', () => {
  const ports = {
    '5432/tcp': [
      { HostIp: '0.0.0.0', HostPort: '5432' },
      { HostIp: '::', HostPort: '5432' },
    ],
  };
  const container = {
    Id: 'a'.repeat(64),
    Name: '/db',
    Config: { Image: 'redis' },
    State: { Running: true, StartedAt: '2025-01-01T00:00:00Z' },
    HostConfig: { NetworkMode: 'default', PortBindings: { '5432/tcp': [{ HostIp: '', HostPort: '5432' }] } },
    NetworkSettings: { Ports: ports, Networks: { bridge: { IPAddress: '172.17.0.2', EndpointID: 'b'.repeat(64) } } },
  };
  const { stdout } = nfreplay('docker', file('inspect.json', JSON.stringify([container])));
  assert.match(stdout.replace(/\n +/g, ' '), '- [::]:5432 of db is published too, and IPv6 is not followed');
});

Docker('a compose project comes and goes in a script, named as compose 1 did', () => {
  const script = file('life.sh', 'docker-compose -p shop up -d\ndocker-compose -p shop stop db\n');
  const { stdout } = nfreplay('docker', '--script', script, '--release', '20.10');
  assert.match(stdout, /shop_web_1 +172\.18\.0\.2/);
  assert.match(stdout, /shop_db_1 +stopped/);
});

Docker('a fault of a compose file is told with its place', () => {
  const { status, stderr } = nfreplay('docker', file('bad.yaml', 'services:\n  web:\n    imge: nginx\n'));
  assert.is(status, 2);
  assert.match(stderr, 'bad.yaml:3:5: unknown member "imge" of the service "web"; did you mean image?');
});

for (const [what, args, message, code] of [
  ['nothing', [], 'nothing to make a host of', 2],
  [
    'an option of docker run',
    ['--run', 'docker run --pubish 80 x'],
    '--run: word 3: docker run has no option --pubish',
    2,
  ],
  [
    'another driver',
    ['--run', 'docker network create -d macvlan x'],
    'the network driver "macvlan" is not supported',
    3,
  ],
  ['an unknown release', ['--run', REDIS, '--release', '17.08'], 'unknown Docker release 17.08', 3],
  [
    'an interface without length',
    ['--run', REDIS, '--interface', 'eth0=1.2.3.4'],
    'is no IPv4 address with a length',
    2,
  ],
  ...(
    [
      ['0.0.0.0/0', 'has every address in its network'],
      ['0.1.2.3/8', 'is no address of a host'],
      ['127.0.0.5/8', 'is a loopback address'],
      ['224.0.0.1/24', 'is no address of one host'],
      ['192.0.2.0/24', 'is the address of the network'],
      ['192.0.2.255/24', 'is the broadcast address of the network'],
      ['192.0.2.9/24,gw=192.0.2.9', 'is the address of the host itself'],
    ] as const
  ).map(([given, message]) => [given, ['--run', REDIS, '--interface', `eth0=${given}`], message, 2] as const),
  ['a folder with other files', ['--run', REDIS, '-o', 'others'], 'contains a file that no run wrote (notes.txt)', 4],
  [
    'an option of dockerd',
    ['--run', REDIS, '--dockerd', '--icx=false'],
    'dockerd has no option --icx; did you mean --icc?',
    2,
  ],
] as const) {
  Docker(`${what} is refused`, () => {
    spawnSync('mkdir', ['-p', join(dir, 'others')]);
    file('others/notes.txt', '');
    const { status, stderr } = nfreplay('docker', ...args);
    assert.match(stderr, message);
    assert.is(status, code);
  });
}

Docker('a compose file in UTF-16 is refused with what to do', () => {
  const path = file('wide.yml', '');
  writeFileSync(join(dir, path), Buffer.from('\ufeffservices: {a: {image: x}}\n', 'utf16le'));
  const { status, stderr } = nfreplay('docker', path);
  assert.match(stderr, 'wide.yml: the file is text in UTF-16; convert it first: iconv');
  assert.is(status, 2);
});

Docker('a container that may end soon is said to be taken as running', () => {
  const said = /assumed: containers run until they are stopped, that of --run, too/;
  for (const run of ['docker run --rm alpine true', 'docker run -d hello-world'])
    assert.match(nfreplay('docker', '--run', run, '-o', '-').stderr, said);
  assert.not.match(nfreplay('docker', '--run', REDIS, '-o', '-').stderr, said);
});

Docker('every wrong line of a script is told of', () => {
  const script = file('wrong.sh', 'docker ps\ndocker run -d nginx\n\ndocker run -p a nginx\n');
  const { status, stderr } = nfreplay('docker', '--script', script);
  assert.is(status, 2);
  assert.match(stderr, /wrong\.sh:1:8: docker ps changes no network.*\nwrong\.sh:4:15: "a" is no port/);
});

Docker('--json is all that a folder would have', () => {
  const { stdout } = nfreplay('docker', '--run', REDIS, '--json');
  const { schema, docker, host, rules, failed } = JSON.parse(stdout);
  assert.equal([schema, docker.schema, docker.containers[0].name, failed], [1, 1, 'redistest', []]);
  assert.ok(host.addr.some(({ ifname }: { ifname: string }) => ifname === 'docker0'));
  assert.match(rules, '--dport 36379 -j DNAT');
});

Docker('a damaged docker.json is refused, with the place', () => {
  nfreplay('docker', '--run', REDIS, '-o', 'damaged');
  const path = join(dir, 'damaged/docker.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"isRunning": true', '"isRunning": "yes"'));
  const { status, stderr } = nfreplay('docker', 'damaged');
  assert.is(status, 2);
  assert.match(stderr, /damaged\/docker\.json:\d+:\d+: .*isRunning: expected a boolean, found/);
});

Docker(
  'which iptables a host has follows from who saved its rules, else from the age of the engine, and is said',
  () => {
    const saved = (by: string): string =>
      file(
        `${by || 'bare'}.v4`,
        `${by && `# Generated by iptables-save v1.8.9${by}\n`}*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n`,
      );
    const assumed = (release: string, ...args: string[]): string | undefined =>
      /iptables-(?:nft|legacy) \(--backend\)/.exec(
        nfreplay('docker', '--run', 'docker run x', '--release', release, ...args).stdout,
      )?.[0];
    assert.is(assumed('17.03'), 'iptables-legacy (--backend)');
    assert.is(assumed('18.09'), 'iptables-nft (--backend)');
    assert.is(assumed('29', '--firewall', saved('')), 'iptables-nft (--backend)');
    assert.is(assumed('29', '--firewall', saved(' (nf_tables)')), undefined);
    assert.is(assumed('29', '--backend', 'legacy'), undefined);
  },
);

Docker.run();
