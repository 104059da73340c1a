/** Rules of the services' user: every key and channel of ours, no administration. INFO and CLUSTER SLOTS are how a client finds the nodes. */
export const SERVICE_ACCESS =
  'on ~tandem:* &tandem:* +@all -@admin -@dangerous +info +cluster|slots +cluster|nodes +cluster|shards';
