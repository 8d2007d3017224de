// Commands that people type on a Docker host: what each asks for, and where a script is wrong.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from '../../../docker/commands/action.js';
import type { ComposeRequest, ParseContext } from '../../../docker/commands/context.js';
import { parseScript } from '../../../docker/commands/script.js';
import type { ContainerSpec } from '../../../docker/model.js';
import { NO_FILES } from './no-files.js';

const Scripts = suite('scripts of commands');

function actionsOf(text: string, context: ParseContext = NO_FILES): Command['action'][] {
  const { commands, faults } = parseScript(text, 'script', context);
  assert.equal(
    faults.map(({ message }) => message),
    [],
  );
  return commands.map(({ action }) => action);
}

function runOf(line: string): ContainerSpec {
  const [action] = actionsOf(line);
  if (action.kind !== 'run' && action.kind !== 'create') throw new Error(action.kind);
  return action.spec;
}

/** `LINE:COLUMN message` of each fault. */
function faultsOf(text: string, context: ParseContext = NO_FILES): string[] {
  return parseScript(text, 'script', context).faults.map(
    ({ word, message, file }) => `${file === undefined ? '' : `${file}:`}${word.line}:${word.column} ${message}`,
  );
}

Scripts('docker run as an article has it', () => {
  const spec = runOf('docker run --name redistest -d -p 36379:6379 172.16.1.129/redis/3.0.7:v1.1');
  assert.equal(spec, {
    name: 'redistest',
    image: '172.16.1.129/redis/3.0.7:v1.1',
    hostname: undefined,
    networkMode: 'networks',
    endpoints: [{ network: 'bridge', address: undefined, mac: undefined, aliases: [], gatewayPriority: 0 }],
    ports: [
      {
        hostAddress: undefined,
        host: { first: 36379, last: 36379 },
        container: { first: 6379, last: 6379 },
        protocol: 'tcp',
      },
    ],
    exposed: [],
    publishesAll: false,
    restart: 'no',
    links: [],
    isRemovedWhenStopped: false,
    labels: {},
  });
});

Scripts('ports, networks and addresses of a container', () => {
  const spec = runOf(
    'docker run --rm -P --net=web --ip 10.20.0.80 --network-alias w --mac-address 02-42-0A-14-00-50 ' +
      '-p 127.0.0.1:8081:80 -p 9000-9002:9000-9002/udp -p 7000-7009:70 --expose 90-91 nginx sh -p 5',
  );
  assert.equal(spec.endpoints, [
    { network: 'web', address: '10.20.0.80', mac: '02:42:0a:14:00:50', aliases: ['w'], gatewayPriority: 0 },
  ]);
  assert.equal(
    spec.ports.map(({ hostAddress, host, container, protocol }) =>
      [hostAddress, host?.first, host?.last, container.first, container.last, protocol].join(' '),
    ),
    ['127.0.0.1 8081 8081 80 80 tcp', ' 9000 9002 9000 9002 udp', ' 7000 7009 70 70 tcp'],
  );
  assert.equal(spec.exposed, [{ container: { first: 90, last: 91 }, protocol: 'tcp' }]);
  assert.ok(spec.publishesAll && spec.isRemovedWhenStopped);
});

Scripts('a container of several networks, of the host, and of another container', () => {
  const { endpoints } = runOf('docker run --network name=a,ip=10.0.0.5,gw-priority=3 --network b nginx');
  assert.equal(
    endpoints.map(({ network, address, gatewayPriority }) => [network, address, gatewayPriority]),
    [
      ['a', '10.0.0.5', 3],
      ['b', undefined, 0],
    ],
  );
  assert.is(runOf('docker run --network host nginx').networkMode, 'host');
  assert.is(runOf('docker run --net container:web nginx').networkMode, 'container:web');
});

Scripts('a port on an address of IPv6 is none of IPv4, and said', () => {
  const { commands } = parseScript('docker run -p [::1]:8080:80 nginx', 'script', NO_FILES);
  assert.equal(commands[0].notes, ['-p [::1]:8080:80 publishes on an IPv6 address only, which is not followed']);
  assert.equal(runOf('docker run -p [::1]:8080:80 nginx').ports, []);
  assert.equal(runOf('docker run -p [::1]:8080:80 nginx').exposed.length, 1);
});

Scripts('networks', () => {
  const [action] = actionsOf(
    'docker network create --internal -o com.docker.network.bridge.name=br7 --label a=b=c ' +
      '--subnet 10.20.0.7/24 --gateway 10.20.0.1 --ip-range 10.20.0.128/25 --aux-address router=10.20.0.2 back',
  );
  assert.equal(action, {
    kind: 'network create',
    spec: {
      name: 'back',
      driver: 'bridge',
      isInternal: true,
      ipam: [
        { subnet: '10.20.0.0/24', range: '10.20.0.128/25', gateway: '10.20.0.1', reserved: { router: '10.20.0.2' } },
      ],
      options: { 'com.docker.network.bridge.name': 'br7' },
      labels: { a: 'b=c' },
    },
  });
});

Scripts('other programs, with sudo, paths, and several settings a line', () => {
  const kinds = actionsOf(`
    sudo iptables -A INPUT -p tcp --dport 46379 -j ACCEPT   # the article's
    /usr/sbin/iptables -P FORWARD \\
      DROP
    sysctl -w net.ipv4.ip_forward=1 net/ipv4/conf/all/rp_filter=2
    systemctl stop docker docker.socket
    systemctl enable --now docker
    service iptables save
    sudo sh -c 'iptables-save > /etc/sysconfig/iptables'
    iptables-save | sudo tee /etc/iptables/rules.v4
    /etc/init.d/docker restart
    firewall-cmd --reload
    ufw reload
  `).map((action) => {
    if (action.kind === 'service') return `${action.service} ${action.does}`;
    if (action.kind === 'sysctl') return `${action.name}=${action.value}`;
    if (action.kind === 'iptables') return action.words.map(({ text }) => text).join(' ');
    return action.kind === 'reload' ? action.tool : action.kind;
  });
  assert.equal(kinds, [
    '-A INPUT -p tcp --dport 46379 -j ACCEPT',
    '-P FORWARD DROP',
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.rp_filter=2',
    'docker stop',
    'docker start',
    'iptables save',
    'iptables save',
    'iptables save',
    'docker restart',
    'firewalld',
    'ufw',
  ]);
});

Scripts('every line that is wrong is told of', () => {
  const text = `docker run -d -p 80:80 nginx
docker ps
docker run --pubish 80:80 nginx
  systemctl restart dockr

docker run -p \\
  80:80:80 nginx
curl http://localhost
docker run -p $PORT:80 -e A=$HOME nginx
iptables-save > rules.v4
`;
  assert.equal(faultsOf(text), [
    '2:8 docker ps changes no network and starts or stops no container; expected: no such line',
    '3:12 docker run has no option --pubish; did you mean --publish?',
    '4:21 systemctl restart dockr is not followed; did you mean docker?; expected: docker or iptables',
    '7:3 "80" is no IP address; expected: [[IP:]HOST-PORT:]CONTAINER-PORT[/tcp|udp|sctp], with an IP address',
    '8:1 "curl" is not followed; expected: docker, docker compose, dockerd, iptables, ipset, sysctl -w, systemctl or ' +
      'service, …',
    '9:15 "$PORT" is expanded by a shell; expected: the value itself, or \'$\' in single quotes',
    '10:17 rules.v4 is not what the iptables service loads; expected: /etc/sysconfig/iptables or ' +
      '/etc/iptables/rules.v4',
  ]);
});

Scripts('what a shell would expand stays as it is where networks do not depend on it', () => {
  const spec = runOf(
    'docker run -v "$PWD":/app -v "$(pwd)/etc:/etc" -e TZ=$TZ -u $(id -u):$(id -g) --env-file $HOME/env -m $M' +
      ' -p 80:80 --name web "registry/web:$TAG" sh -c "echo $A"',
  );
  assert.is(spec.name, 'web');
  assert.is(spec.image, 'registry/web:$TAG');
  assert.equal(spec.ports.length, 1);
  const matters = ['--name $N', '--name=web$N', '-p$P:80', '--network $NET', '--ip $(ip)', '--link "$DB":db', '$OPTS'];
  for (const word of matters) assert.match(faultsOf(`docker run ${word} nginx`)[0], /expanded by|runs a command/, word);
  const others = ['docker stop $ID', 'iptables -A INPUT -s $LAN -j DROP', 'docker run -v `pwd`:/app nginx'];
  for (const line of others) assert.match(faultsOf(line)[0], /expanded by|runs a command/, line);
});

Scripts('a prompt that was pasted is no part of a command; a comment stays one', () => {
  const prompts = ['$ ', '# ', 'root@host:~# ', 'me@host:~/app$ ', '  $ '];
  for (const prompt of prompts) assert.is(actionsOf(`${prompt}sudo docker run nginx`).length, 1, prompt);
  assert.equal(faultsOf('$ docker run -p x nginx')[0].slice(0, 5), '1:17 ');
  assert.is(actionsOf('docker run nginx\n# docker run redis\n# docker is a program\n').length, 1);
});

Scripts('ports of a container without a network of its own are discarded, as docker warns', () => {
  const notesOf = (mode: string) =>
    parseScript(`docker run --net=${mode} -p 80:80 nginx`, 'script', NO_FILES).commands[0].notes;
  assert.equal(notesOf('host'), ['Published ports are discarded when using host network mode']);
  assert.match(notesOf('none')[0], /without effect/);
});

Scripts('a quotation that is not closed is one fault', () => {
  assert.equal(faultsOf("docker run 'nginx\ndocker ps\n"), [
    "1:12 a ' that is not closed; expected: another ' at the end of the quotation",
  ]);
});

const withFile = (text: string, release?: readonly number[]): ParseContext => ({
  ...NO_FILES,
  release,
  pathOf: ({ text: path }) => path,
  readText: () => text,
});

Scripts('dockerd, with options and daemon.json', () => {
  const json = '{ "icc": false, "default-address-pools": [{ "base": "10.200.0.0/16", "size": 24 }], "log-opts": {} }';
  const [action] = actionsOf(
    'dockerd --config-file d.json --userland-proxy=false --bip 10.1.0.1/24 -H unix:///x',
    withFile(json),
  );
  assert.equal(action, {
    kind: 'dockerd',
    options: {
      icc: false,
      userlandProxy: false,
      bip: '10.1.0.1/24',
      defaultAddressPools: [{ base: '10.200.0.0/16', size: 24 }],
    },
  });
});

for (const [json, fault] of [
  ['{\n  "iptable": false }', 'd.json:2:14 dockerd has no option iptable; did you mean iptables?'],
  ['{ "icc": "no" }', 'd.json:1:10 icc takes no no; expected: true or false'],
  [
    '{ "bip": "10.0.0.0" }',
    'd.json:1:10 --bip takes no "10.0.0.0"; expected: an address with a length, such as 10.200.0.1/24',
  ],
  ['{ "ipv6": true }', 'd.json:1:11 ipv6 is not supported'],
  [
    '{ "userland-proxy": true }',
    'd.json:1:21 userland-proxy stands here and in the command (--userland-proxy), which dockerd refuses; ' +
      'expected: one of them',
  ],
  [
    '{ "allow-direct-routing": true }',
    'd.json:1:27 dockerd 26.1.5 has no allow-direct-routing; expected: no allow-direct-routing, or release 28.2.0 ' +
      'or later',
  ],
  ['[', 'd.json:1:2 not JSON: Expected'],
] as const) {
  Scripts(`daemon.json ${json}`, () => {
    const [found] = faultsOf('dockerd --userland-proxy=false --config-file d.json', withFile(json, [26, 1, 5]));
    assert.is(found.replace(/(not JSON: \w+).*/, '$1').replace('Unexpected', 'Expected'), fault);
  });
}

Scripts('compose, of both spellings', () => {
  const asked: ComposeRequest[] = [];
  const context: ParseContext = {
    ...NO_FILES,
    composeProject: (request) => {
      asked.push(request);
      return { name: 'p', networks: [], services: [], notes: [] };
    },
  };
  const actions = actionsOf(
    `docker compose -f a.yaml -f b.yaml -p shop --profile x --profile y up -d --scale web=3 --remove-orphans web
     docker-compose down -v
     docker compose --project-directory /srv restart -t 5 web`,
    context,
  );
  assert.equal(
    actions.map(({ kind }) => kind),
    ['compose up', 'compose down', 'compose restart'],
  );
  const [up, down, restart] = asked;
  assert.equal(
    up.files.map(({ text }) => text),
    ['a.yaml', 'b.yaml'],
  );
  assert.equal([up.projectName?.text, up.profiles, [...up.scale]], ['shop', ['x', 'y'], [['web', 3]]]);
  assert.equal([up.withDependencies, down.isStandalone, restart.isStandalone], [true, true, false]);
  assert.equal(
    restart.services.map(({ text }) => text),
    ['web'],
  );
});

Scripts.run();
