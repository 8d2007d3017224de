/** Matches that remember packets by address, or count bytes or the time. Rules often share a list or a table. */
import { pick, type Random } from '../random.js';

export function randomMeter(random: Random): string {
  const not = random(4) === 0 ? '! ' : '';
  return pick(random, [
    () => recentText(random, not),
    () => hashlimitText(random, not),
    () => otherText(random, not),
  ])();
}

function recentText(random: Random, not: string): string {
  const action = pick(random, ['set', 'set', 'rcheck', 'update', 'update', 'remove']);
  const isAsking = action === 'rcheck' || action === 'update';
  const within = random(3) === 0 ? '' : `--seconds ${1 + random(3)} ${random(2) === 0 ? '--reap ' : ''}`;
  const hits = random(2) === 0 ? '' : `--hitcount ${pick(random, [1, 2, 5, 33])} `;
  const ttl = random(5) === 0 ? '--rttl ' : '';
  const mask = random(4) === 0 ? `--mask ${pick(random, ['255.255.0.0', '0.0.0.255'])} ` : '';
  const list = `--name ${pick(random, ['a', 'b'])} ${mask}${random(3) === 0 ? '--rdest' : ''}`;
  return `-m recent ${not}--${action} ${isAsking ? within + hits + ttl : ''}${list}`;
}

function hashlimitText(random: Random, not: string): string {
  const isRateMatch = random(4) === 0;
  const isBytes = random(3) === 0;
  const rate = isBytes
    ? pick(random, ['200b/s', '1kb/s'])
    : pick(random, ['1/hour', '2/second', '90/minute', '50/sec']);
  const burst = isBytes ? pick(random, ['', '--hashlimit-burst 3kb ']) : `--hashlimit-burst ${1 + random(5)} `;
  const modes = ['srcip', 'dstip', 'srcport', 'dstport'].filter(() => random(2) === 0).join(',');
  const mode = modes === '' ? '' : `--hashlimit-mode ${modes} `;
  const mask = random(4) === 0 ? `--hashlimit-srcmask ${random(33)} ` : '';
  const table = random(3) === 0 ? `--hashlimit-htable-size 1 --hashlimit-htable-max ${1 + random(3)} ` : '';
  const expire = random(2) === 0 ? `--hashlimit-htable-expire ${pick(random, [1, 500, 2000])} ` : '';
  const collect = random(4) === 0 ? `--hashlimit-htable-gcinterval ${pick(random, [1, 300, 5000])} ` : '';
  const name = isRateMatch ? '--hashlimit-rate-match --hashlimit-name rate' : '--hashlimit-name limit';
  const limit = `--hashlimit-${pick(random, ['upto', 'above'])} ${rate} ${burst}`;
  return `-m hashlimit ${not}${limit}${mode}${mask}${table}${expire}${collect}${name}${random(3)}`;
}

function otherText(random: Random, not: string): string {
  if (random(2) === 0) return `-m quota ${not}--quota ${pick(random, [0, 100, 1000, 5000])}`;
  const daytime = `--timestart 00:00:0${random(4)} --timestop 00:00:0${random(9)}`;
  return `-m time ${daytime} ${not}--weekdays ${pick(random, ['Thu', 'Fri'])}`;
}
