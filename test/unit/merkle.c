/*
 * merkle.c
 *		The tree: roots that other implementations have, and each proof checked as
 *		RFC 9162 tells verifiers to (sections 2.1.3.2 and 2.1.4.2).
 */
#include "unit.h"

#include "model/merkle.h"

#define LEAVES 70

static Sha256 *sha256;
static MerkleHash leaves[LEAVES];

static MerkleHash
node(void *arg, int level, int64 index)
{
	int64 *reads = arg;

	(*reads)++;
	return merkle_complete_hash(sha256, leaves + (index << level), level);
}

static char *
hex(const MerkleHash *hash)
{
	char *text = palloc(2 * SHA256_LENGTH + 1);

	for (int i = 0; i < SHA256_LENGTH; i++)
		snprintf(text + (size_t) 2 * i, 3, "%02x", hash->bytes[i]);
	return text;
}

static bool
same(const MerkleHash *a, const MerkleHash *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_LENGTH) == 0;
}

/* The leaves of certificate-transparency's test vectors, and the roots of each size. */
static void
known_roots(MerkleTree *tree)
{
	static const struct
	{
		const char *leaf;
		int length;
		const char *root; /* with this leaf as the last one */
	} vectors[] = {
		{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
		{"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
		{"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
		 "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
		{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
		 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	};
	MerkleHash root = merkle_root(tree, 0);

	is_text(hex(&root), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"the root of an empty tree is the hash of nothing");
	for (int i = 0; i < (int) lengthof(vectors); i++)
	{
		leaves[i] = merkle_leaf_hash(sha256, vectors[i].leaf, vectors[i].length);
		root = merkle_root(tree, i + 1);
		is_text(hex(&root), vectors[i].root, psprintf("the root of %d known leaves", i + 1));
	}
}

/* RFC 9162, 2.1.3.2. */
static bool
verifies_inclusion(int64 leaf, int64 size, const MerklePath *path, const MerkleHash *root)
{
	int64 fn = leaf;
	int64 sn = size - 1;
	MerkleHash r = leaves[leaf];

	for (int i = 0; i < path->length; i++)
	{
		const MerkleHash *p = &path->hashes[i];

		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn)
		{
			r = merkle_node_hash(sha256, p, &r);
			while (!(fn & 1) && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else
			r = merkle_node_hash(sha256, &r, p);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&r, root);
}

/* RFC 9162, 2.1.4.2, for 0 < from < to. */
static bool
verifies_consistency(int64 from, int64 to, const MerklePath *path, const MerkleHash *from_root,
					 const MerkleHash *to_root)
{
	int64 fn = from - 1;
	int64 sn = to - 1;
	int i = 0;
	MerkleHash fr;
	MerkleHash sr;

	if ((from & (from - 1)) == 0)
		fr = *from_root;
	else if (path->length == 0)
		return false;
	else
		fr = path->hashes[i++];
	while (fn & 1)
	{
		fn >>= 1;
		sn >>= 1;
	}
	sr = fr;
	for (; i < path->length; i++)
	{
		const MerkleHash *c = &path->hashes[i];

		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn)
		{
			fr = merkle_node_hash(sha256, c, &fr);
			sr = merkle_node_hash(sha256, c, &sr);
			while (!(fn & 1) && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else
			sr = merkle_node_hash(sha256, &sr, c);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&fr, from_root) && same(&sr, to_root);
}

static void
proofs(MerkleTree *tree, int64 *reads)
{
	MerklePath path;
	MerkleHash roots[LEAVES + 1];
	int wrong = 0;
	int64 most = 0;

	for (int size = 0; size <= LEAVES; size++)
		roots[size] = merkle_root(tree, size);
	for (int size = 1; size <= LEAVES; size++)
		for (int leaf = 0; leaf < size; leaf++)
		{
			*reads = 0;
			merkle_inclusion(tree, leaf, size, &path);
			wrong += !verifies_inclusion(leaf, size, &path, &roots[size]);
			most = Max(most, *reads);
		}
	is_int(wrong, 0, "each leaf of each tree has a proof that verifies");
	ok(most <= 14, "a proof of 70 leaves needs at most 14 hashes of subtrees, it was " INT64_FORMAT,
	   most);
	for (int to = 1; to <= LEAVES; to++)
		for (int from = 1; from < to; from++)
		{
			merkle_consistency(tree, from, to, &path);
			wrong += !verifies_consistency(from, to, &path, &roots[from], &roots[to]);
		}
	is_int(wrong, 0, "each tree has a proof that it extends each smaller one");
	merkle_consistency(tree, 5, 5, &path);
	is_int(path.length, 0, "a tree extends itself without a proof");
	merkle_consistency(tree, 0, 5, &path);
	is_int(path.length, 0, "each tree extends the empty one without a proof");

	merkle_inclusion(tree, 7, 60, &path);
	ok(!verifies_inclusion(8, 60, &path, &roots[60]), "the proof of a leaf is not another's");
	ok(!verifies_inclusion(7, 60, &path, &roots[61]), "nor is it one for another tree");
	merkle_consistency(tree, 40, 60, &path);
	ok(!verifies_consistency(40, 60, &path, &roots[39], &roots[60]),
	   "a tree does not extend one with another root");
}

UNIT_TEST(merkle)
{
	int64 reads = 0;
	MerkleTree tree = {.node = node, .arg = &reads};

	sha256 = sha256_create();
	tree.sha256 = sha256;
	known_roots(&tree);
	for (int i = 0; i < LEAVES; i++)
		leaves[i] = merkle_leaf_hash(sha256, &i, sizeof(i));
	proofs(&tree, &reads);
	sha256_free(sha256);
}
