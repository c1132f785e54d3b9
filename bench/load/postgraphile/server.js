// PostGraphile on the database of DATABASE_URL, as its documentation has it for
// production: one process a core, no explorer. It prints its port once each
// process listens.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";

import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const processes = availableParallelism();

if (cluster.isPrimary) {
  let listening = 0;
  for (let i = 0; i < processes; i++) cluster.fork();
  cluster.on("listening", (_, at) => {
    if (++listening === processes) console.log(`port=${at.port}`);
  });
  cluster.on("exit", () => process.exit(1));
  process.on("SIGINT", () => process.exit(0));
} else {
  const preset = {
    extends: [PostGraphileAmberPreset],
    pgServices: [makePgService({ connectionString: process.env.DATABASE_URL, schemas: ["public"], poolConfig: { max: 20 } })],
    grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
    grafast: { explain: false },
  };
  const server = createServer();
  await postgraphile(preset).createServ(grafserv).addTo(server);
  server.listen(0, "127.0.0.1");
}
