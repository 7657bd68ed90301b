/*
 * row_policy.c
 *	  The condition of the row security policies, and what the planner makes of
 *	  it.
 *
 * A policy calls may_read(tableoid, actor).  While a query is planned, the call
 * is replaced by what it means for the current user.  For a user who reads
 * everything, that is a question about the capability, which is asked once and
 * not for each row.  For others, it is "actor = their own", which an index
 * answers, and the question whether they still have the role.  Both consist of
 * the server's own functions, so that nobody needs the privilege to execute
 * may_read.
 *
 * A plan may be kept.  It is made for one user, and is made again when actors
 * or grants on the capabilities' functions change; membership in a role is
 * checked whenever the plan runs.  So a plan never shows more than the user may
 * read, and shows less only if the user has become a member of a role since.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "base/compat.h"
#include "base/names.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "engine/identity/capability.h"
#include "engine/identity/reader.h"
#include "engine/identity/row_policy.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/planmain.h"
#include "parser/parsetree.h"
#include "store/table.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

/* The capabilities that read everything. */
static const Capability readers[] = {CAPABILITY_REVIEW, CAPABILITY_EXECUTE, CAPABILITY_AUDIT,
									 CAPABILITY_ADMINISTER, CAPABILITY_GATEWAY};

static Node *
make_oid(Oid oid)
{
	return (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(oid), false,
							  true);
}

static Node *
make_text(const char *text)
{
	return (Node *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(text),
							  false, false);
}

static Node *
make_call(Oid function, Oid result, List *args)
{
	return (Node *) makeFuncExpr(function, result, args, InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/*
 * Build "(SELECT CASE WHEN condition THEN true END) IS NOT NULL".  It is
 * evaluated once when the query begins, whereas the condition itself would be
 * evaluated for each row.  The planner estimates that it is true for nearly all
 * rows.
 */
static Node *
make_once(PlannerInfo *root, Node *condition)
{
	CaseWhen *when = makeNode(CaseWhen);
	CaseExpr *choice = makeNode(CaseExpr);
	Query *query = makeNode(Query);
	SubLink *link = makeNode(SubLink);
	NullTest *test = makeNode(NullTest);

	when->expr = (Expr *) condition;
	when->result = (Expr *) makeBoolConst(true, false);
	choice->casetype = BOOLOID;
	choice->args = list_make1(when);
	choice->defresult = (Expr *) makeBoolConst(false, true);
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->jointree = makeFromExpr(NIL, NULL);
	query->targetList = list_make1(makeTargetEntry((Expr *) choice, 1, pstrdup("allowed"), false));
	link->subLinkType = EXPR_SUBLINK;
	link->subselect = (Node *) query;
	root->parse->hasSubLinks = true;
	test->arg = (Expr *) link;
	test->nulltesttype = IS_NOT_NULL;
	return (Node *) test;
}

/*
 * Build the question whether the current user has a capability that reads
 * everything.  A capability that the user has comes first.
 */
static Node *
make_reads_all(PlannerInfo *root)
{
	List *any = NIL;

	for (int i = 0; i < (int) lengthof(readers); i++)
	{
		Oid function = capability_function(capability_info(readers[i])->functions[0]);
		Node *call = make_call(F_HAS_FUNCTION_PRIVILEGE_OID_TEXT, BOOLOID,
							   list_make2(make_oid(function), make_text("EXECUTE")));

		if (capability_is_held(GetUserId(), readers[i]))
			any = lcons(call, any);
		else
			any = lappend(any, call);
	}
	return make_once(root, (Node *) makeBoolExpr(OR_EXPR, any, -1));
}

/* "column = actor", or "column = ANY (actors)". */
static Node *
make_is_one_of(Node *column, const Binding *binding)
{
	Oid operator= get_opfamily_member(INTEGER_BTREE_FAM_OID, INT8OID, INT8OID,
									  BTEqualStrategyNumber);
	Datum *elements = palloc(binding->count * sizeof(Datum));
	ScalarArrayOpExpr *any;

	for (int i = 0; i < binding->count; i++)
		elements[i] = Int64GetDatum(binding->actors[i]);
	if (binding->count == 1)
		return (Node *) make_opclause(operator, BOOLOID, false, copyObject((Expr *) column),
									  (Expr *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
														 elements[0], false, FLOAT8PASSBYVAL),
									  InvalidOid, InvalidOid);
	any = makeNode(ScalarArrayOpExpr);
	any->opno = operator;
	any->opfuncid = get_opcode(operator);
	any->useOr = true;
	any->args = list_make2(copyObject(column),
						   makeConst(INT8ARRAYOID, -1, InvalidOid, -1,
									 PointerGetDatum(construct_array(elements, binding->count,
																	 INT8OID, sizeof(int64),
																	 FLOAT8PASSBYVAL,
																	 TYPALIGN_DOUBLE)),
									 false, false));
	any->location = -1;
	return (Node *) any;
}

static Node *
make_is_named(Oid role, const char *name)
{
	Datum value = DirectFunctionCall1(namein, CStringGetDatum(name));
	Node *today = make_call(F_PG_GET_USERBYID, NAMEOID, list_make1(make_oid(role)));
	Node *same = make_call(F_NAMEEQ, BOOLOID,
						   list_make2(today, makeConst(NAMEOID, -1, C_COLLATION_OID, NAMEDATALEN,
													   value, false, false)));

	((FuncExpr *) same)->inputcollid = C_COLLATION_OID;
	return same;
}

/*
 * Build the question whether the row belongs to an actor that is bound to a
 * role, and the current user may still act as that role.
 */
static Node *
make_is_own(PlannerInfo *root, Node *column, const Binding *binding)
{
	List *acts_as = list_make1(make_call(F_PG_HAS_ROLE_OID_TEXT, BOOLOID,
										 list_make2(make_oid(binding->role),
													make_text(COMPAT_SET_ROLE_PRIVILEGE))));

	if (binding->role_name != NULL)
		acts_as = lappend(acts_as, make_is_named(binding->role, binding->role_name));
	return (Node *) makeBoolExpr(AND_EXPR,
								 list_make2(make_is_one_of(column, binding),
											make_once(root, (Node *) make_ands_explicit(acts_as))),
								 -1);
}

/* Have the plan made again when an actor or a grant of a capability changes. */
static void
add_dependencies(PlannerInfo *root)
{
	root->glob->relationOids = list_append_unique_oid(root->glob->relationOids,
													  store_table_oid(STORE_ACTOR));
	for (int i = 0; i < (int) lengthof(readers); i++)
		record_plan_function_dependency(root, capability_function(capability_info(readers[i])
																	  ->functions[0]));
}

/*
 * Whether these are the arguments of a policy on one of our tables: its
 * tableoid, and a column or NULL.
 */
static bool
is_policy(PlannerInfo *root, const Var *relation, const Node *actor)
{
	const RangeTblEntry *rte;

	if (!IsA(relation, Var) || relation->varattno != TableOidAttributeNumber ||
		relation->varlevelsup != 0 ||
		!(IsA(actor, Var) || (IsA(actor, Const) && ((const Const *) actor)->constisnull)))
		return false;
	rte = rt_fetch(relation->varno, root->parse->rtable);
	return rte->rtekind == RTE_RELATION && get_rel_namespace(rte->relid) == extension_schema();
}

/*
 * The expression that replaces may_read(tableoid, actor) in a policy for the
 * current user, or NULL to have the function called.
 */
Node *
row_policy_condition(PlannerInfo *root, List *args)
{
	Node *actor = lsecond(args);
	Reader reader;
	List *any = NIL;
	ListCell *cell;

	if (!is_policy(root, linitial(args), actor))
		return NULL;
	add_dependencies(root);
	reader_identify(&reader);
	if (reader.reads_all)
		return make_reads_all(root);
	if (IsA(actor, Var))
		foreach (cell, reader.bindings)
			any = lappend(any, make_is_own(root, actor, lfirst(cell)));
	if (any == NIL)
		return makeBoolConst(false, false);
	if (list_length(any) == 1)
		return linitial(any);
	return (Node *) makeBoolExpr(OR_EXPR, any, -1);
}
