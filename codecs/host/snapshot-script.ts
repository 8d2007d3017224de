/**
 * The script that `nfreplay snapshot` prints: it describes the network of the host that it runs on, and changes nothing
 * there. It is for any POSIX shell (dash, busybox ash), and does without whatever tool is missing. `readSnapshot`
 * (snapshot.ts) reads what it prints:
 *
 *     #nfreplay snapshot 1
 *     #nfreplay output addr.json: ip -j addr show
 *     [{"ifindex":1,"ifname":"lo", …
 *     #nfreplay said: what the command printed on standard error
 *     #nfreplay exit 0
 *     #nfreplay output ipset.txt: ipset save
 *     #nfreplay none: ip_set is not loaded         (there is nothing to print)
 *     #nfreplay output docker.txt: docker inspect
 *     #nfreplay missing: docker is not installed   (what there is remains unknown)
 *     #nfreplay end
 *
 * No line of an output starts with `#nfreplay`: there it becomes `#nfreplay|`. Nothing runs before the whole script has
 * arrived, and nothing reads its standard input, where the rest of it comes from.
 */
export const SNAPSHOT_SCRIPT = String.raw`# Describes the network of this host for nfreplay. Run it as root:
#
#     nfreplay snapshot | ssh HOST 'sudo sh' > host.txt
#
# It changes nothing. It prints interfaces, routes, neighbours, network sysctls, firewall rules, tracked connections,
# listening ports, and of containers their names, images, networks, addresses, ports and restart policies. No keys, no
# environment, no labels.

has() { command -v "$1" >/dev/null 2>&1; }

# in_kernel MODULE SYMBOL: whether a part of the kernel is there, so that no command has it loaded.
in_kernel() {
  [ -d "/sys/module/$1" ] || ! grep -qs . /proc/kallsyms || grep -qs " $2\$" /proc/kallsyms ||
    grep -qs " $2	" /proc/kallsyms
}

section() { printf '#nfreplay output %s: %s\n' "$1" "$2"; }

# none NAME COMMAND WHY: there is nothing to print. missing: nobody knows whether there is.
none() { section "$1" "$2"; printf '#nfreplay none: %s\n' "$3"; }
missing() { section "$1" "$2"; printf '#nfreplay missing: %s\n' "$3"; }

# output NAME COMMAND …
output() {
  name=$1
  shift
  section "$name" "$*"
  if ! has "$1"; then
    printf '#nfreplay missing: %s is not installed\n' "$1"
    return
  fi
  said=$({
    { "$@" 2>&3; printf '\n%s\n' "$?" >&3; echo; } | sed 's/^#nfreplay/#nfreplay|/' >&4
  } 3>&1)
  printf '%s\n' "$said" | sed -e '/^$/d' -e '$!s/^/#nfreplay said: /' -e '$s/^/#nfreplay exit /'
}

# ip_output NAME ARGUMENTS: ip(8) as JSON; an old one as text.
ip_output() {
  name=$1
  shift
  if [ "$json" ]; then
    output "$name.json" ip -j "$@"
  elif [ "$busybox" ]; then
    output "$name.txt" busybox_ip "$@"
  else
    output "$name.txt" ip "$@"
  fi
}

# The one of busybox leaves out parts of rules.
busybox_ip() { ip "$@"; }

# saved_rules FAMILY, ip or ip6: of both kinds. Only the tables that exist are asked for: asking for one creates it.
saved_rules() {
  list=/proc/net/$1_tables_names
  legacy=$1tables-legacy-save
  nft=$1tables-nft-save
  case $("$1tables" -V 2>/dev/null) in *nf_tables*) kind=nft ;; *) kind=legacy ;; esac
  if [ -e "$list" ] && ! cat "$list" >/dev/null 2>&1; then
    missing "$legacy.txt" "$legacy -c" "$list cannot be read: run this as root"
  elif [ -z "$(cat "$list" 2>/dev/null)" ]; then
    none "$legacy.txt" "$legacy -c" "no legacy tables"
  elif has "$legacy" || [ "$kind" = nft ] || ! has "$1tables-save"; then
    output "$legacy.txt" "$legacy" -c
  else
    output "$legacy.txt" "$1tables-save" -c
  fi
  if ! in_kernel nf_tables nft_register_chain_type; then
    none "$nft.txt" "$nft -c" "nf_tables is not loaded"
  elif has "$nft" || [ "$kind" = legacy ]; then
    output "$nft.txt" "$nft" -c
  else
    output "$nft.txt" "$1tables-save" -c
  fi
}

# The shell's own read takes single bytes, of which the kernel answers only the first. Keys are left out.
sysctls() {
  cd /proc/sys || return
  find net -type f ! -name stable_secret ! -name tcp_fastopen_key -exec grep -s . /dev/null {} + | sed 's/:/ = /' | sort
}

connections() {
  if [ -e /proc/net/nf_conntrack ] && ! has conntrack; then
    output conntrack.txt cat /proc/net/nf_conntrack
  elif in_kernel nf_conntrack nf_conntrack_in; then
    output conntrack.txt conntrack -L -f ipv4 -o extended
    output conntrack6.txt conntrack -L -f ipv6 -o extended
  else
    none conntrack.txt 'conntrack -L -o extended' 'nf_conntrack is not loaded'
  fi
}

# Only a daemon that runs already: asking may start one.
docker_runs() {
  pid=$(cat /var/run/docker.pid 2>/dev/null) && [ "$pid" ] && [ -d "/proc/$pid" ]
}
docker_local() {
  if has timeout; then timeout 20 docker -H unix:///var/run/docker.sock "$@"
  else docker -H unix:///var/run/docker.sock "$@"; fi
}
# shellcheck disable=SC2016,SC2086
containers() {
  ids=$(docker_local ps -aq --no-trunc) || return
  [ "$ids" ] || return 0
  form='{"Id":{{json .Id}},"Name":{{json .Name}},"Created":{{json .Created}},'
  form=$form'"State":{"Running":{{json .State.Running}},"StartedAt":{{json .State.StartedAt}}},'
  form=$form'"Config":{"Image":{{json .Config.Image}},"ExposedPorts":{{json (index .Config "ExposedPorts")}}},'
  form=$form'"HostConfig":{"NetworkMode":{{json .HostConfig.NetworkMode}},'
  form=$form'"PortBindings":{{json .HostConfig.PortBindings}},"PublishAllPorts":{{json .HostConfig.PublishAllPorts}},'
  form=$form'"RestartPolicy":{{json .HostConfig.RestartPolicy}},"AutoRemove":{{json .HostConfig.AutoRemove}},'
  form=$form'"Links":{{json .HostConfig.Links}}},"NetworkSettings":{"Ports":{{json .NetworkSettings.Ports}},'
  form=$form'"Networks":{{json .NetworkSettings.Networks}}}}'
  docker_local inspect --type container --format "$form" $ids
}
# shellcheck disable=SC2086
networks() {
  ids=$(docker_local network ls -q --no-trunc) || return
  [ "$ids" ] || return 0
  engine=$(docker_local info --format \
    '"Engine":{"Version":{{json .ServerVersion}},"LiveRestore":{{json .LiveRestoreEnabled}}},' 2>/dev/null) || engine=
  created='"Created":{{json .Created}},'
  docker_local network inspect --format "$created" $ids >/dev/null 2>&1 || created=
  form='{"Id":{{json .Id}},"Name":{{json .Name}},"Driver":{{json .Driver}},"Internal":{{json .Internal}},'
  form=$form$engine$created'"IPAM":{"Config":{{json .IPAM.Config}}},'
  form=$form'"Options":{{if eq .Driver "bridge"}}{{json .Options}}{{else}}{}{{end}}}'
  docker_local network inspect --format "$form" $ids
}

main() {
  PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  LC_ALL=C
  export PATH LC_ALL
  exec 4>&1
  printf '#nfreplay snapshot 1\n#nfreplay taken %s on %s, %s, by user %s\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(uname -n)" "$(uname -sr)" "$(id -u)"

  json=
  ip -j link show lo >/dev/null 2>&1 && json=yes
  busybox=
  case $(ip -V 2>&1) in *BusyBox*) busybox=yes ;; esac
  ip_output addr addr show
  ip_output route -4 route show table all
  ip_output route6 -6 route show table all
  ip_output rule rule show
  ip_output rule6 -6 rule show
  ip_output neigh neigh show
  if [ "$json" ] || ip -d link show lo >/dev/null 2>&1; then
    ip_output link -d link show
  else
    ip_output link link show
  fi
  ip_output nexthop nexthop show
  output sysctl.txt sysctls

  saved_rules ip
  saved_rules ip6
  if in_kernel ip_set ip_set_get_ip4_port; then
    output ipset.txt ipset save
  else
    none ipset.txt 'ipset save' 'ip_set is not loaded'
  fi
  if in_kernel nf_tables nft_register_chain_type; then
    output nft.txt nft list ruleset
  else
    none nft.txt 'nft list ruleset' 'nf_tables is not loaded'
  fi
  connections
  if ss -Hlntu >/dev/null 2>&1; then
    output sockets.txt ss -Hlntu
  else
    output sockets.txt ss -lntu
  fi
  if docker_runs && has docker; then
    output containers.json containers
    output networks.json networks
  elif docker_runs; then
    missing containers.json 'docker inspect' 'docker is not installed'
  else
    none containers.json 'docker inspect' 'dockerd does not run'
  fi
  printf '#nfreplay end\n'
}

main </dev/null
`;
