-- Who works with the bank, and what may be proposed.  Run by sam, who holds
-- the capability administer and is a member of bank_owner.

SELECT workflow_orch.register_actor('Ada', 'Developer', 'ada'),
       workflow_orch.register_actor('Ben', 'DBA', 'ben'),
       workflow_orch.register_actor('Cleo', 'Operations', 'cleo'),
       workflow_orch.register_actor('Dan', 'Auditor', 'dan'),
       workflow_orch.register_actor('Sam', 'Administrator', 'sam'),
       workflow_orch.register_actor('Mia', 'Manager', 'mia');

SELECT workflow_orch.grant_capability('ada', 'propose'),
       workflow_orch.grant_capability('ada', 'review'),
       workflow_orch.grant_capability('ben', 'review'),
       workflow_orch.grant_capability('mia', 'review'),
       workflow_orch.grant_capability('cleo', 'execute'),
       workflow_orch.grant_capability('dan', 'audit');

SELECT workflow_orch.register_tool('add_column', 'change.add_column(regclass, name, regtype)',
                                   run_as => 'bank_owner',
                                   description => 'Adds an empty column to a table',
                                   preview => true),
       workflow_orch.register_tool('backfill_tier', 'change.backfill_tier(integer)',
                                   run_as => 'bank_owner',
                                   description => 'Fills the tier of max_rows accounts',
                                   timeout => '30 s',
                                   preview => true,
                                   preview_rows => 3),
       workflow_orch.register_tool('fill_branch', 'change.fill_branch(integer)',
                                   run_as => 'bank_owner',
                                   description => 'Fills the tier of all accounts of a branch',
                                   timeout => '1 min'),
       workflow_orch.register_tool('create_index', 'change.create_index(regclass, name)',
                                   run_as => 'bank_owner',
                                   description => 'Creates an index on a column'),
       workflow_orch.register_tool('drop_column', 'change.drop_column(regclass, name)',
                                   run_as => 'bank_owner',
                                   description => 'Drops a column with all that is in it',
                                   preview => true),
       workflow_orch.register_tool('sql', 'workflow_orch.run_sql(text)',
                                   run_as => 'bank_owner',
                                   description => 'Runs one SQL statement');
