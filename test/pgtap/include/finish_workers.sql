SELECT * FROM finish();
DROP OWNED BY :"tool_role";
DROP ROLE :"tool_role";
