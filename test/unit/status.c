/*
 * status.c
 *		Labels of the enum types.
 */
#include "unit.h"

#include "model/status.h"

static const EnumType *const types[] = {&workflow_status_type, &proposal_status_type,
										&execution_status_type, &review_decision_type,
										&actor_kind_type};

UNIT_TEST(status)
{
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		const EnumType *type = types[i];
		bool all = type->nlabels > 0;

		for (int value = 0; value < type->nlabels; value++)
			all = all && enum_parse(type, enum_label(type, value)) == value;
		ok(all, "each label of %s is read as its own value", type->name);
	}

	is_text(enum_label(&workflow_status_type, WORKFLOW_CANCELLED), "cancelled",
			"the last status of a workflow has its label");
	is_text(enum_label(&proposal_status_type, PROPOSAL_CANCELLED), "cancelled",
			"the last status of a proposal has its label");
	is_text(enum_label(&proposal_status_type, PROPOSAL_EXECUTED), "executed",
			"a status in the middle has its label");
	is_text(enum_label(&execution_status_type, EXECUTION_CANCELLED), "cancelled",
			"the last status of an execution has its label");
	is_text(enum_label(&review_decision_type, DECISION_EDIT), "edit",
			"the last decision has its label");
	is_text(enum_label(&actor_kind_type, ACTOR_SERVICE), "service",
			"the last kind of actor has its label");

	is_int(enum_parse(&proposal_status_type, "queued"), -1, "another type's label is unknown");
	is_int(enum_parse(&proposal_status_type, "Pending"), -1, "labels are told apart by case");
	is_int(enum_parse(&proposal_status_type, ""), -1, "the empty text is no label");
	is_int(enum_parse(&proposal_status_type, "pend"), -1, "the beginning of a label is no label");

	is_text(enum_list(&review_decision_type), "approve, reject, edit, request_changes",
			"a hint lists all labels");
}
