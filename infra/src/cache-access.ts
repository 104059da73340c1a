/**
 * What a client library asks before and beside our own commands, whichever command it is: HELLO, AUTH, CLIENT SETNAME, CLIENT SETINFO,
 * PING, READONLY (all of `@connection` that is harmless), INFO of its ready check, and the map of the cluster. ioredis is not ready
 * before CLUSTER INFO was answered. test/cache-users.test.ts holds it on a real cluster, by what the servers refuse.
 */
const CLIENT_ACCESS =
  '+@connection -@admin -@dangerous +info +cluster|info +cluster|slots +cluster|nodes +cluster|shards';

/** Rules of the services' user: every key and channel of ours, no administration. */
export const SERVICE_ACCESS = `on ~tandem:* &tandem:* +@all -@admin -@dangerous ${CLIENT_ACCESS}`;

/** Rules of a TURN node's user: write its own directory, read revocations, nothing else. */
export const TURN_NODE_ACCESS = `on ~tandem:{turn}:* %R~tandem:{revocations} resetchannels -@all ${CLIENT_ACCESS} +hset +hdel +xread`;

/**
 * Rules of a media node's user: its directory, the records of rooms (by a script that compares before it sets), its own calls, and
 * revocations, for viewers who are no members of a room.
 */
export const MEDIA_NODE_ACCESS = `on ~tandem:{media}:* %R~tandem:{revocations} resetchannels -@all ${CLIENT_ACCESS} +hset +hdel +hgetall +get +set +del +eval +rpush +expire +blpop +xread`;

/**
 * Rules of the events service's user: what it keeps of endpoints and dispatchers, all of the partitions of rooms (it folds their outboxes and removes rooms
 * whose nodes all died), its own rate limits; whether signaling nodes live, and revocations, to read. No session, no inbox, no directory, no channel.
 */
export const HOOKS_ACCESS = [
  'on ~tandem:{hooks}:* ~tandem:{p:* ~tandem:rate:hooks-key:* %R~tandem:{nodes} %R~tandem:{revocations} resetchannels -@all',
  CLIENT_ACCESS,
  '+time +eval +evalsha +exists +del +expire +pexpire +pttl +get +set +incr +incrby',
  '+hget +hset +hdel +hlen +hvals +hmget +hscan +lindex +llen +lrange +lpop +rpush',
  '+zadd +zcard +zrandmember +zrem +zrange +zrangebyscore +zremrangebyscore +xadd +xlen +xrange +xrevrange +xread +xinfo|stream',
].join(' ');
