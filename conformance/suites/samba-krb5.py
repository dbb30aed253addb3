"""Runs Samba's Kerberos tests against a directory without replication and without PAC.

The tests fetch the keys of the accounts that they make by replication over RPC, which is no part
of the directory; here they work the keys out from the passwords that they have set themselves.
EXPECT_PAC=0 is heeded by some of their helpers only; here all of them do.

    samba-krb5.py kdc_tests | salt_tests | ...      prints subunit, as Samba's own runner does
"""

import sys

from samba.subunit import run
from samba.tests.krb5 import kdc_base_test
from samba.tests.krb5 import raw_testcase


def without_pac(function):
    def call(self, *arguments, **options):
        if not self.expect_pac:
            options["expect_pac"] = None
        return function(self, *arguments, **options)

    return call


kdc_base_test.KDCBaseTest.get_keys = lambda self, samdb, dn, expected_etypes=None: {}
base = raw_testcase.RawKerberosTest
base.as_exchange_dict = without_pac(base.as_exchange_dict)
base.tgs_exchange_dict = without_pac(base.tgs_exchange_dict)

modules = ["samba.tests.krb5." + name for name in sys.argv[1:]]
run.TestProgram(module=None, argv=sys.argv[:1] + modules, stdout=sys.stdout)
