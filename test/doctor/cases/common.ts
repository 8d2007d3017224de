/** Hosts, rules and ends that several cases share. */
import type { DoctorCode } from '../../../explain/findings.js';
import { type ClinicCase, rulesOf } from '../clinic.js';

/** A case of doctor. */
export interface DoctorCase extends ClinicCase {
  readonly name: string;
  /** Undefined: nothing is found. */
  readonly finds?: DoctorCode;
  /** The packets that show it, and the lines of the rules, in order. */
  readonly packets?: readonly string[];
  readonly lines?: readonly number[];
  /** What its message contains. */
  readonly says?: RegExp;
  /** What its change contains. */
  readonly change?: RegExp;
}

export const CLIENT = '203.0.113.7:50000';
export const OTHER_CLIENT = '203.0.113.8:50000';
export const PUBLISHED = '192.0.2.10:8080';
export const CONTAINER = '172.17.0.3:80';
export const ELSEWHERE = '198.51.100.5:443';

export const PUBLISH = [
  ':PREROUTING ACCEPT [0:0]',
  ':INPUT ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':POSTROUTING ACCEPT [0:0]',
  '-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80',
];
/** The line of its DNAT in rules that begin with it. */
export const DNAT_LINE = 6;
export const MASQUERADE = '-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE';
export const FILTER = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
export const PUBLISHED_RULES = rulesOf({ nat: [...PUBLISH, MASQUERADE] });

export const sysctl = (settings: Record<string, number>) => ({ sysctl: settings });
export const ROUTER = { eth0: '192.0.2.10/24', lan: '192.168.1.1/24' };
