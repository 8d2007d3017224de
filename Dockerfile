# nfreplay in a container:
#   docker build -t nfreplay .
#   docker run --rm -v "$PWD:/data" nfreplay replay --rules rules.v4 --host host.json --in eth0=wan.pcap --out out
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm pack --ignore-scripts --pack-destination /tmp

FROM node:24-slim
COPY --from=build /tmp/nfreplay-*.tgz /tmp/
RUN npm install --global --no-audit --no-fund /tmp/nfreplay-*.tgz && rm /tmp/nfreplay-*.tgz
WORKDIR /data
ENTRYPOINT ["nfreplay"]
CMD ["--help"]
