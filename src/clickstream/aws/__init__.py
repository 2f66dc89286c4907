"""A deployment on AWS: its CloudFormation stacks, host, checks, restore and removal.

`clickstream aws` calls this package. A deployment NAME is the stacks NAME-lake, NAME-airflow and
NAME-alarms, and perhaps NAME-web. Only this package talks to CloudFormation and Systems Manager. It
is checked with moto and with recorded answers, and has not run in an AWS account yet.
"""
