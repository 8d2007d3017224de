// docker.json: it matches its schema, is read back as it was, and damaged ones are refused.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HostError } from '../../codecs/host/error.js';
import type { DockerState } from '../../docker/model.js';
import { formatDockerState, parseDockerState } from '../../docker/state-file.js';
import { makeDockerHost } from '../../replay/docker/make-docker-host.js';
import { pick, seededRandom, testSeed } from '../random.js';

const StateFile = suite('docker.json');

const schema = JSON.parse(readFileSync('docs/schema/docker.schema.json', 'utf8'));
const validate = new Ajv2020({
  allErrors: true,
  strictTypes: false,
  strictRequired: false,
  formats: { ipv4: true },
}).compile(schema);

const RUNS = [
  'docker network create --subnet 10.20.0.0/24 --ip-range 10.20.0.128/25 --aux-address a=10.20.0.5 front',
  'docker network create --internal -o com.docker.network.bridge.name=br7 --label a=b back',
  'docker run -d --name db --expose 5432 --restart always postgres',
  'docker run -d --name web --link db -p 127.0.0.1:8080:80 -p 9000-9002:9000-9002/udp -h web --label c nginx',
  'docker run -d --name two --network name=front,ip=10.20.0.80,alias=x --network back -P --expose 7/sctp nginx',
  'docker run -d --name host --network host nginx',
  'docker stop two',
];

function state(release: string): DockerState {
  const daemonOptions =
    '--icc=false --bip 10.1.0.1/16 --fixed-cidr 10.1.2.0/24 --default-address-pool base=10.9.0.0/16,size=24';
  return makeDockerHost({ runs: RUNS, release, daemonOptions, firewallPath: 'test/docker/inspect/saved.v4' }).state;
}

for (const release of ['18.09', '24', '29']) {
  StateFile(`the state of ${release} is as its schema says, and is read back`, () => {
    const text = formatDockerState(state(release));
    const json: unknown = JSON.parse(text);
    assert.ok(validate(json), JSON.stringify(validate.errors, null, 1));
    assert.equal(parseDockerState(text, 'docker.json'), json);
  });
}

StateFile('an unknown release is refused where it stands', () => {
  const text = formatDockerState(state('29')).replace(/"release":( ?)"29[^"]*"/, '"release":$1"x"');
  try {
    parseDockerState(text, 'docker.json');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, HostError);
    assert.match((error as Error).message, /^docker\.json:\d+:\d+: .*unknown Docker release x/);
  }
});

StateFile('a damaged docker.json is refused, or read', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const text = formatDockerState(state('29'));
  const VALUES = ['null', '7', '"x"', '[]', '{}', 'true', '-1', ''];
  for (let i = 0; i < 300; i++) {
    const values = [...text.matchAll(/(?<=: )(?:"[^"\n]*"|\d+|true|false|\[|\{)/g)];
    const { index, 0: value } = pick(random, values);
    const damaged = text.slice(0, index) + pick(random, VALUES) + text.slice(index + value.length);
    try {
      parseDockerState(damaged, 'docker.json');
    } catch (error) {
      assert.ok(error instanceof HostError, `seed ${seed}, case ${i}: ${error}`);
    }
  }
});

StateFile.run();
