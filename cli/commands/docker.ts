/** The command line of `nfreplay docker`. */
import { COLOR, type CommandSpec } from '../args.js';

export const DOCKER: CommandSpec = {
  name: 'docker',
  summary: 'make the host and the rules that Docker makes: of a compose file, commands, or docker inspect',
  usages: [
    'COMPOSE-FILE [-f FILE …] [--release 28.5] [--interface eth0=192.0.2.10/24,gw=192.0.2.1] -o DIR',
    "--run 'docker run …' [--run …] [--dockerd OPTIONS] -o DIR",
    '--script FILE [--firewall FILE] -o DIR',
    'INSPECT-FILE … | HOST [--script FILE] -o DIR',
  ],
  terms: [
    [
      'COMPOSE-FILE',
      'what `docker compose up` would start: a compose file, or a folder with one; variables of the environment and ' +
        'of .env count',
    ],
    [
      'INSPECT-FILE',
      'what `docker network inspect …` and `docker inspect …` printed, in any order, in one file or several',
    ],
    ['HOST', 'a host with Docker on it: a snapshot, its folder, or what this command wrote; its own rules stay'],
  ],
  options: [
    {
      name: 'file',
      short: 'f',
      value: 'FILE',
      multiple: true,
      help: 'another compose file, on top of the one before, as for `docker compose`',
    },
    { name: 'profile', value: 'NAME', multiple: true, help: 'start the services of this profile, too' },
    {
      name: 'env-file',
      value: 'FILE',
      multiple: true,
      help: 'variables for compose files, instead of those in .env',
    },
    {
      name: 'project-name',
      short: 'p',
      value: 'NAME',
      help: 'what names of containers and networks start with (default: as compose chooses it)',
    },
    {
      name: 'run',
      value: 'COMMAND',
      multiple: true,
      help: "a command that somebody typed, such as 'docker run -d -p 8080:80 nginx' or 'docker network create web'",
    },
    {
      name: 'script',
      value: 'FILE',
      help:
        'commands that somebody typed, a line each: dockerd, docker, docker compose, iptables, ipset, sysctl -w, ' +
        'systemctl and service for docker and iptables, iptables-save > /etc/sysconfig/iptables, firewall-cmd ' +
        '--reload, ufw reload; with comments, and lines that a backslash continues; the engine starts where dockerd ' +
        'stands, or before the first line that needs it',
    },
    {
      name: 'release',
      value: 'RELEASE',
      help:
        'the release of the engine, 1.12 to 29: 28.5.2, or 28.5 or 28 for the last one of these (default: the ' +
        'newest, or of docker inspect and rules, the newest that writes these)',
    },
    {
      name: 'dockerd',
      value: 'OPTIONS',
      takesDashes: true,
      help:
        "the options of the engine, as behind dockerd: '--userland-proxy=false --icc=false', or '--config-file " +
        "daemon.json'",
    },
    {
      name: 'interface',
      value: 'IFACE=ADDRESS',
      multiple: true,
      help:
        'an interface of the host, as eth0=192.0.2.10/24,gw=192.0.2.1, with the gateway of the default route; also ' +
        'mac=MAC and mtu=N (default: this one)',
    },
    {
      name: 'firewall',
      value: 'FILE',
      help:
        "the rules that were there before the engine started, as iptables-save prints them: ufw's, firewalld's, or " +
        'what the iptables service loads',
    },
    {
      name: 'backend',
      value: 'NAME',
      choices: ['legacy', 'nft'],
      help:
        'the iptables of the host (default: the one that wrote the rules of --firewall or HOST, ' +
        'else nft, before 18.09 legacy)',
    },
    {
      name: 'ip-forward-was-on',
      help:
        'ip_forward was on before the engine started, so that it leaves the policy of FORWARD alone; else it sets ' +
        'it to DROP (since 1.13)',
    },
    { name: 'names', value: 'FILE', help: 'more names for addresses, in the format of /etc/hosts' },
    {
      name: 'out',
      short: 'o',
      value: 'DIR',
      help:
        'where to write host.json, rules.v4, names and docker.json, which --host DIR of other commands reads; - ' +
        'prints the rules alone, as iptables-save does',
    },
    { name: 'strict', help: 'exit with 1 if anything was assumed, or if a command failed as it would on a real host' },
    { name: 'json', help: 'print the host, the rules and what the engine knows as one JSON document' },
    COLOR,
  ],
  positionals: 'COMPOSE-FILE|INSPECT-FILE|HOST',
  examples: [
    {
      about: 'which ports of a compose project can be reached from outside',
      command: 'nfreplay docker compose.yaml -o host && nfreplay scan --host host',
    },
    {
      about: 'the rules that an engine of the year 2019 writes for one container',
      command: "nfreplay docker --run 'docker run -d -p 36379:6379 redis' --release 18.09 -o -",
    },
    {
      about: 'beside the rules that a host has already',
      command: 'nfreplay docker --script setup.sh --firewall /etc/iptables/rules.v4 -o host',
    },
    {
      about: 'of what docker inspect printed there, without its rules',
      command: 'nfreplay docker inspect.json --release 28.5 --interface ens3=203.0.113.9/24,gw=203.0.113.1 -o host',
    },
  ],
};
