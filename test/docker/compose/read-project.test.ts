// What `compose config` does not tell: names of containers, orders, what depends on the engine's release, and where
// faults are. Names and orders are those of compose's sources: 1.29.2 (service.py, network.py), 2.40 (create.go).
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ComposeProject } from '../../../docker/commands/action.js';
import { ComposeError } from '../../../docker/compose/compose-error.js';
import { type ComposeOptions, generationFor } from '../../../docker/compose/read-project.js';
import { projectOf } from './cases.js';

const Projects = suite('docker/compose/read-project');

const read = (text: string, options: Partial<ComposeOptions> = {}): ComposeProject =>
  projectOf({ 'compose.yaml': text }, ['compose.yaml'], options);
const containersOf = ({ services }: ComposeProject): string[] =>
  services.flatMap(({ containers }) => containers.map(({ name }) => name));
const OLD = { release: [20, 10, 24], generation: 1 as const };

function refusal(text: string, options: Partial<ComposeOptions> = {}): ComposeError {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof ComposeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

Projects('containers and networks are named as each generation names them', () => {
  const text =
    'services: {web: {image: x, scale: 2, networks: [front]}, db: {image: x, container_name: the-db}}\n' +
    'networks: {front: }';
  assert.equal(containersOf(read(text)), ['shop-web-1', 'shop-web-2', 'the-db']);
  assert.equal(containersOf(read(text, OLD)), ['shop_web_1', 'shop_web_2', 'the-db']);
  const names = read(text).networks.map(({ spec }) => spec.name);
  assert.equal(names, ['shop_default', 'shop_front']);
  const compatible = { environment: new Map([['COMPOSE_COMPATIBILITY', 'true']]) };
  assert.equal(containersOf(read(text, compatible)), ['shop_web_1', 'shop_web_2', 'the-db']);
});

Projects('docker compose comes with engines since 20.10, docker-compose 1 goes with 23.0', () => {
  assert.equal(
    [
      [17, 5, 0],
      [19, 3, 15],
      [20, 10, 24],
      [23, 0, 0],
      [29, 0, 0],
    ].map((release) => [generationFor(release), generationFor(release, true)]),
    [
      [1, 1],
      [1, 1],
      [2, 1],
      [2, 2],
      [2, 2],
    ],
  );
});

Projects('a folder names the project, in letters that names may have', () => {
  const text = 'services: {a: {image: x}}';
  assert.equal(containersOf(read(text, { folderName: '_My Shop (2)' })), ['myshop2-a-1']);
  assert.equal(containersOf(read(text, { folderName: '_My Shop (2)', ...OLD })), ['myshop2_a_1']);
  assert.match(refusal(text, { folderName: '店' }).message, /^compose.yaml:1:1: neither name: nor the folder "店"/);
  assert.equal(containersOf(read(`name: other\n${text}`, { projectName: 'given' })), ['given-a-1']);
  assert.match(refusal(text, { projectName: 'Given' }).message, /lower-case letters.*, as in "given"/);
});

Projects('services start after those that they need, and otherwise in the order of the file', () => {
  const text = `
services:
  web: {image: x, depends_on: [app]}
  cache: {image: x}
  app: {image: x, links: ["db:database"], depends_on: {cache: {condition: service_healthy}}}
  side: {image: x, network_mode: "service:web"}
  db: {image: x}
`;
  const project = read(text);
  assert.equal(containersOf(project), ['shop-cache-1', 'shop-db-1', 'shop-app-1', 'shop-web-1', 'shop-side-1']);
  assert.is(project.services[4].containers[0].networkMode, 'container:shop-web-1');
  assert.equal(project.services[4].containers[0].endpoints, []);
  assert.match(project.notes.join('\n'), /compose starts services at once/);
});

Projects('networks are made by name in compose 2, as they are used in compose 1', () => {
  const text =
    'services: {z: {image: x, networks: [n, m], depends_on: [y]}, y: {image: x, networks: [p, a]}}\n' +
    'networks: {a: {name: zz}, m: , n: , p: , unused: }';
  const names = (project: ComposeProject): string[] => project.networks.map(({ spec }) => spec.name);
  assert.equal(names(read(text)), ['zz', 'shop_m', 'shop_n', 'shop_p']);
  assert.equal(names(read(text, OLD)), ['shop_p', 'zz', 'shop_m', 'shop_n']);
});

Projects('the network of the highest priority comes first, then by name', () => {
  const text = `
services:
  a: {image: x, networks: {c: , b: , z: {priority: 1000, aliases: [it]}}, mac_address: "02-42-AC-11-00-09"}
networks: {b: , c: , z: }
`;
  const [endpoints] = read(text).services.map(({ containers }) => containers[0].endpoints);
  assert.equal(
    endpoints.map(({ network, mac, aliases }) => [network, mac, aliases]),
    [
      ['shop_z', '02:42:ac:11:00:09', ['shop-a-1', 'a', 'it']],
      ['shop_b', undefined, ['shop-a-1', 'a']],
      ['shop_c', undefined, ['shop-a-1', 'a']],
    ],
  );
});

Projects('a MAC for each network is known to engines since 25, gw_priority since 28', () => {
  const text = `
services:
  a: {image: x, networks: {b: , c: {mac_address: "02:42:00:00:00:01", gw_priority: 5}}}
networks: {b: , c: }
`;
  const second = (release: readonly number[]): unknown[] => {
    const project = read(text, { release });
    const { mac, gatewayPriority } = project.services[0].containers[0].endpoints[1];
    return [mac, gatewayPriority, project.notes.length];
  };
  // One note is about the order in which the networks are made.
  assert.equal(second([28, 5, 2]), ['02:42:00:00:00:01', 5, 1]);
  assert.equal(second([26, 1, 5]), ['02:42:00:00:00:01', 0, 2]);
  assert.equal(second([24, 0, 9]), [undefined, 0, 3]);
});

Projects('files of version 1 are on the default bridge, with links', () => {
  const project = read(
    "web: {image: x, links: ['db:database'], external_links: [other], ports: ['80:80']}\ndb: {image: x}",
    OLD,
  );
  assert.equal(containersOf(project), ['shop_db_1', 'shop_web_1']);
  const [web] = project.services[1].containers;
  assert.equal([web.links, web.endpoints[0].network], [['shop_db_1', 'other'], 'bridge']);
  assert.equal(project.networks, []);
});

Projects('named services come with those that they need, and their profiles', () => {
  const text = `
services:
  web: {image: x, depends_on: [db]}
  db: {image: x}
  tool: {image: x, profiles: [tools], depends_on: [helper]}
  helper: {image: x, profiles: [tools]}
  other: {image: x}
`;
  assert.equal(containersOf(read(text)), ['shop-db-1', 'shop-web-1', 'shop-other-1']);
  assert.equal(containersOf(read(text, { services: ['web'] })), ['shop-db-1', 'shop-web-1']);
  assert.equal(containersOf(read(text, { services: ['web'], withDependencies: false })), ['shop-web-1']);
  assert.equal(containersOf(read(text, { services: ['tool'] })), ['shop-helper-1', 'shop-tool-1']);
  assert.equal(containersOf(read(text, { scale: new Map([['db', 2]]), services: ['db'] })), ['shop-db-1', 'shop-db-2']);
  assert.match(refusal(text, { services: ['webb'] }).message, /there is no service "webb"; did you mean web\?/);
});

Projects('a network called host or none is not one of the project', () => {
  const project = read(
    'services: {a: {image: x, network_mode: host}, b: {image: x, network_mode: bridge}, ' +
      'c: {image: x, network_mode: mine}}',
  );
  assert.equal(
    project.services.map(({ containers: [{ networkMode, endpoints }] }) => [
      networkMode,
      endpoints.map((one) => one.network),
    ]),
    [
      ['host', []],
      ['networks', ['bridge']],
      ['networks', ['mine']],
    ],
  );
  assert.equal(project.networks, []);
});

Projects('ports of a service without network are said to be published nowhere', () => {
  const { notes } = read('services: {a: {image: x, network_mode: none, ports: ["80:80"]}}');
  assert.match(notes.join('\n'), 'the service "a" has no network, so that nothing is published for it');
});

Projects('faults are told with their place, all of them at once, and what may have been meant', () => {
  const text = `services:
  web:
    image: x
    ports:
      - "80:80"
      - "81:80/tpc"
    netwroks: [front]
  db:
    image: x
    networks:
      fornt:
networks:
  front:
    internl: true
`;
  assert.equal(refusal(text).message.split('\n'), [
    'compose.yaml:14:5: unknown member "internl" of the network "front"; did you mean internal?',
    'compose.yaml:7:5: unknown member "netwroks" of the service "web"; did you mean networks?',
    'compose.yaml:11:7: there is no network "fornt" in networks; did you mean front?',
  ]);
  assert.is(
    refusal('services:\n  web: {image: x, ports: ["80:80/tpc"]}').message,
    'compose.yaml:2:28: unknown protocol "tpc"; did you mean tcp?',
  );
});

Projects('what cannot be followed is refused by name', () => {
  const unsupported = [
    'services: {a: {image: x}}\nnetworks: {default: {driver: overlay}}',
    'services: {a: {image: x}}\nnetworks: {default: {driver: macvlan, driver_opts: {parent: eth0}}}',
    'services: {a: {image: x}}\nnetworks: {default: {enable_ipv4: false}}',
    'services: {a: {image: x}}\nnetworks: {default: {ipam: {driver: mine}}}',
    'services: {a: {image: x, networks: {default: {link_local_ips: [169.254.1.1]}}}}',
    'include: ["https://example.com/compose.yaml"]\nservices: {a: {image: x}}',
  ];
  for (const text of unsupported) assert.ok(refusal(text).isUnsupported, text);
});

Projects('a variable in the middle of a text is where the fault is', () => {
  assert.is(
    refusal(`services: {a: {image: x, ports: ["127.0.0.1:\${PORT:?set it}:80"]}}`).message,
    'compose.yaml:1:45: the variable PORT has to be set: set it',
  );
  assert.match(
    read(`services: {a: {image: x, ports: ["\${P}:80"], environment: [A=$B]}}`).notes[0],
    /^the variable P is not set/,
  );
});

Projects.run();
