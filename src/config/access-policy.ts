/** Who may push into a vault, and how many at once. Values come from nightdrop.toml. */
export interface AccessPolicy {
  /** patterns (host-pattern.ts); a peer that one of them matches may. Empty: no such rule */
  hostsAllow: string[];
  /** a peer that one of these matches, and none of `hostsAllow`, may not */
  hostsDeny: string[];
  /** connections at once that have logged in; 0: no limit */
  maxConnections: number;
}
