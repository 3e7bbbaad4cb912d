import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../../src/lib/stat.ts';
import { decodeTree, encodeTree, type TreeNode } from '../../src/repository/tree.ts';
import { treePieces } from '../../src/repository/tree-pieces.ts';
import { Random } from '../support/random.ts';

const plain: TreeNode = {
  name: 'a',
  mode: S_IFREG | 0o644,
  mtime: { sec: 1_600_000_000, nsec: 120_000_000 },
  atime: { sec: 1_600_000_000, nsec: 0 },
  uid: 0,
  gid: 4_294_967_294,
  user: '',
  group: '',
  size: 0,
  target: '',
  rdevMajor: 0,
  rdevMinor: 0,
  inode: 0,
  content: Buffer.alloc(0),
  subtree: undefined,
  xattrs: [],
};
const times = '"mtime":"2020-09-13T12:26:40.12Z","atime":"2020-09-13T12:26:40Z","ctime":"2020-09-13T12:26:40.12Z"';
const head = (name: string, type: string, mode: number) =>
  `{"name":"${name}","type":"${type}","mode":${mode},${times},"uid":0,"gid":4294967294`;

/** Golden bytes: field order, omitted fields and escapes are those of Go's encoder. */
const golden: [what: string, node: Partial<TreeNode>, json: string][] = [
  ['an empty file', {}, `${head('a', 'file', 0o644)},"content":[]}`],
  [
    'a file without permissions',
    { mode: S_IFREG },
    `{"name":"a","type":"file",${times},"uid":0,"gid":4294967294,"content":[]}`,
  ],
  [
    'a file of two blobs',
    { size: 9, content: Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 0xab)]) },
    `${head('a', 'file', 0o644)},"size":9,"content":["${'01'.repeat(32)}","${'ab'.repeat(32)}"]}`,
  ],
  [
    'names of owners',
    { user: 'root', group: 'caf\xc3\xa9' },
    `${head('a', 'file', 0o644)},"user":"root","group":"café","content":[]}`,
  ],
  [
    'a hard link',
    { inode: 9007199254740991, size: 1, content: Buffer.alloc(32) },
    `${head('a', 'file', 0o644)},"inode":9007199254740991,"device_id":1,"size":1,"links":2,"content":["${'00'.repeat(32)}"]}`,
  ],
  [
    'suid, sgid, sticky',
    { mode: S_IFREG | 0o7755 },
    `${head('a', 'file', 0o755 + 0x00800000 + 0x00400000 + 0x00100000)},"content":[]}`,
  ],
  [
    'a directory',
    { mode: S_IFDIR | 0o755, subtree: Buffer.alloc(32, 7) },
    `${head('a', 'dir', 2147484141)},"content":null,"subtree":"${'07'.repeat(32)}"}`,
  ],
  [
    'a symlink',
    { mode: S_IFLNK | 0o777, target: '<x>&\n' },
    `${head('a', 'symlink', 134218239)},"linktarget":"\\u003cx\\u003e\\u0026\\n","content":null}`,
  ],
  [
    'a symlink that is no text',
    { mode: S_IFLNK | 0o777, target: 'a\xff\xfeb' },
    `${head('a', 'symlink', 134218239)},"linktarget":"a\\ufffd\\ufffdb","linktarget_raw":"Yf/+Yg==","content":null}`,
  ],
  [
    'a block device',
    { mode: S_IFBLK | 0o660, rdevMajor: 8, rdevMinor: 300 },
    `${head('a', 'dev', 67109296)},"device":${(0x2c) | (8 << 8) | (0x100 << 12)},"content":null}`,
  ],
  [
    'a character device',
    { mode: S_IFCHR | 0o666, rdevMajor: 1, rdevMinor: 3 },
    `${head('a', 'chardev', 69206454)},"device":259,"content":null}`,
  ],
  ['device 0', { mode: S_IFCHR | 0o666 }, `${head('a', 'chardev', 69206454)},"content":null}`],
  ['a fifo', { mode: S_IFIFO | 0o600 }, `${head('a', 'fifo', 33554816)},"content":null}`],
  ['a socket', { mode: S_IFSOCK | 0o755 }, `${head('a', 'socket', 16777709)},"content":null}`],
  [
    'extended attributes',
    {
      xattrs: [
        { name: 'user.a', value: Buffer.of(0, 255) },
        { name: 'user.b', value: Buffer.alloc(0) },
      ],
    },
    `${head('a', 'file', 0o644)},"extended_attributes":[{"name":"user.a","value":"AP8="},{"name":"user.b","value":""}],"content":[]}`,
  ],
  [
    'a name of bytes',
    { name: '\xff"\\\n\x01\x7f\xc3\xa9<\xe2\x80\xa8' },
    `${head('\\\\xff\\\\\\"\\\\\\\\\\\\n\\\\x01\\\\x7fé\\u003c\\\\u2028', 'file', 0o644)},"content":[]}`,
  ],
];

for (const [what, more, json] of golden) {
  test(`${what} is the bytes restic writes, and comes back`, () => {
    const node = { ...plain, ...more };
    const bytes = encodeTree([node]);
    assert.equal(bytes.toString('utf8'), `{"nodes":[${json}]}\n`);
    assert.deepEqual(decodeTree(bytes), [node]);
  });
}

test('an empty directory', () => {
  assert.equal(encodeTree([]).toString(), '{"nodes":[]}\n');
  assert.deepEqual(decodeTree(Buffer.from('{"nodes":[]}\n')), []);
  assert.deepEqual(decodeTree(Buffer.from('{"nodes":null}')), []);
});

test('any name of bytes comes back', () => {
  const random = new Random(11);
  const alphabet = [...'ab\\"\'<&\n\t\x00\x1f\x7f\x80\xbf\xc2\xc3\xa9\xe2\x82\xac\xed\xa0\xf0\x9f\x98\x80\xf4\xff'];
  for (let i = 0; i < 5000; i++) {
    const name = Array.from({ length: 1 + random.below(12) }, () => random.pick(alphabet)).join('');
    assert.equal(decodeTree(encodeTree([{ ...plain, name }]))[0].name, name, JSON.stringify(name));
  }
});

test('more nodes than are encoded at once', () => {
  const nodes = Array.from({ length: 10_001 }, (_, i) => ({ ...plain, name: String(i).padStart(6, '0') }));
  const bytes = encodeTree(nodes);
  assert.equal(JSON.parse(bytes.toString()).nodes.length, 10_001);
  assert.deepEqual(decodeTree(bytes), nodes);
});

test('a tree cut into pieces of any size is the same tree', () => {
  const names = ['a', 'b"},{"name":"x', 'c\\', 'd\\"', 'e{[', 'f]}', '\xff'];
  const xattrs = [
    { name: 'user.x"},{', value: Buffer.from('x') },
    { name: 'user.y', value: Buffer.from('y') },
  ];
  const nodes = names.map((name, i) => ({ ...plain, name, xattrs: i % 2 ? xattrs : [] }));
  const bytes = encodeTree(nodes);
  for (let size = 1; size <= bytes.length; size++) {
    const found = [...treePieces(bytes, size)].flatMap((piece) => decodeTree(piece));
    assert.deepEqual(found, nodes);
  }
});

test('inode and device numbers of 64 bits do not meet in rounding', () => {
  const node = (inode: string, device: string) =>
    `{"name":"a","type":"file",${times},"inode":${inode},"device_id":${device},"links":2,"content":[]}`;
  const inodeOf = (inode: string, device: string) =>
    decodeTree(Buffer.from(`{"nodes":[${node(inode, device)}]}`))[0].inode;
  const groups = [
    inodeOf('9223372036854775807', '5'),
    inodeOf('9223372036854775806', '5'),
    inodeOf('9223372036854775807', '6'),
    inodeOf('12', '18446744073709551615'),
    inodeOf('12', '18446744073709551614'),
    inodeOf('12', '1'),
  ];
  assert.equal(new Set(groups).size, groups.length);
  assert.equal(groups[5], 12);
  assert.equal(inodeOf('12', '5'), inodeOf('12', '5'));
});

const good = JSON.parse(encodeTree([{ ...plain, size: 1, content: Buffer.alloc(32) }]).toString()).nodes[0];
const bad: [what: string, tree: unknown][] = [
  ['no JSON', undefined],
  ['no object', 7],
  ['null', null],
  ['nodes that are no list', { nodes: 7 }],
  ['a node that is none', { nodes: [null] }],
  ['an unknown type', { nodes: [{ ...good, type: 'irregular' }] }],
  ['no name', { nodes: [{ ...good, name: undefined }] }],
  ['a negative size', { nodes: [{ ...good, size: -1 }] }],
  ['a fractional mode', { nodes: [{ ...good, mode: 0.5 }] }],
  ['an mtime that is none', { nodes: [{ ...good, mtime: 'yesterday' }] }],
  ['a blob ID that is none', { nodes: [{ ...good, content: ['zz'] }] }],
  ['a subtree that is none', { nodes: [{ ...good, type: 'dir', subtree: 'x' }] }],
  ['content that is no list', { nodes: [{ ...good, content: 'x'.repeat(64) }] }],
  ['a code point beyond Unicode', { nodes: [{ ...good, name: '\\UFFFFFFFF' }] }],
];

for (const [what, tree] of bad) {
  test(`refused as damage: ${what}`, () => {
    const bytes = Buffer.from(tree === undefined ? '{"nodes":[' : JSON.stringify(tree));
    assert.throws(() => decodeTree(bytes), { code: 'ERR_REPOSITORY_DAMAGED' });
  });
}
