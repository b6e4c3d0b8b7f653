Feature: Capabilities Management
  Stakeholders: resource providers, facilitators
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | SP   | false     | nunet |
      | Mallory | SP   | false     |       |

  Scenario Outline: Allow authorized users to invoke behaviors
    When "Alice" grants "/dms/node/peers" to "Bob"
    And "Bob" invokes "<behavior>" of "Alice"
    Then "Bob" should be answered

    Examples: what a membership allows
      | behavior       |
      | /public/hello  |
      | /public/status |

    Examples: what the grant allows
      | behavior             |
      | /dms/node/peers/self |
      | /dms/node/peers/list |

  Scenario Outline: Prevent unauthorized users from invoking behaviors
    When "<user>" invokes "<behavior>" of "Bob"
    Then "<user>" should not be answered
    When "Alice" invokes "/public/status" of "Bob"
    Then "Alice" should be answered

    Examples: members, of what a membership does not allow
      | user  | behavior                |
      | Alice | /dms/node/status        |
      | Alice | /dms/node/peers/self    |
      | Alice | /dms/cap/list           |

    Examples: somebody who belongs to no organization
      | user    | behavior         |
      | Mallory | /public/hello    |
      | Mallory | /public/status   |
      | Mallory | /dms/node/status |

  Scenario: Prevent unauthorized users from invoking behaviors
    When "Mallory" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    When "Mallory" deploys "docker_hello.yaml" on "Bob"
    Then "Mallory" deployment should fail

  Scenario: Grant a capability to a user
    When "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should not be answered
    When "Bob" grants "/dms/node/peers" to "Alice" for 2 hours
    And "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should be answered
    When "Alice" invokes "/dms/node/onboarding/status" of "Bob"
    Then "Alice" should not be answered
    When "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should not be answered
    When 2 hours pass
    And "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should not be answered

  Scenario: Delegate a capability to another user
    Given "Bob" grants "/dms/node/peers" to "Alice"
    When "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should not be answered
    When "Alice" delegates "/dms/node/peers/self" to "Charlie"
    And "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should be answered
    When "Charlie" invokes "/dms/node/peers/list" of "Bob"
    Then "Charlie" should not be answered
    When "Bob" revokes the token for "Alice"
    And "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should not be answered

  Scenario: Delegate a capability to another user, but no more than was granted
    Given "Bob" grants "/dms/node/peers" to "Alice"
    When "Alice" tries to delegate "/dms/node" to "Charlie"
    Then "Alice" should be refused with "not authorized"
    When "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should not be answered

  Scenario: Delegate a capability to another user, but not one that must not be passed on
    Given "Bob" grants "/dms/node/peers" to "Alice" with depth 1
    When "Alice" tries to delegate "/dms/node/peers/self" to "Charlie"
    Then "Alice" should be refused with "not authorized"
    When "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should be answered

  Scenario Outline: Anchor a capability with require/provide/root conditions
    Given "Bob" makes a token of "/dms/node/peers" for "Alice"
    When "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should not be answered
    When "<node>" anchors the token from "Bob" for "Alice" under <condition>
    And "<node>" lists its capabilities
    Then the list should show "/dms/node/peers" under <condition>
    When "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should be answered
    When "Alice" invokes "/dms/node/status" of "Bob"
    Then "Alice" should not be answered
    When "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should not be answered
    When "<node>" removes the token from "Bob" for "Alice" from <condition>
    And "<node>" lists its capabilities
    Then the list should not show "/dms/node/peers" under <condition>
    When "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should not be answered

    Examples: who acts shows it, or who is acted upon accepts it
      | condition | node  |
      | provide   | Alice |
      | require   | Bob   |

  Scenario: Anchor a capability with require/provide/root conditions
    When "Alice" invokes "/dms/node/status" of "Bob"
    Then "Alice" should not be answered
    When "Bob" anchors "Alice" as a root
    And "Bob" lists its capabilities
    Then the list should show "Alice" as a root
    When "Alice" invokes "/dms/node/status" of "Bob"
    Then "Alice" should be answered
    When "Alice" lists the capabilities of "Bob"
    Then the list should show "Alice" as a root
    When "Charlie" invokes "/dms/node/status" of "Bob"
    Then "Charlie" should not be answered
    When "Bob" invokes "/dms/node/status" of "Alice"
    Then "Bob" should not be answered

  Scenario: Revoke a previously granted capability
    Given "Alice" says hello to "Bob"
    And "Bob" should respond with his <DID>
    When "Bob" revokes permission from "Alice" via "nunet"
    And "Alice" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    When "Charlie" says hello to "Bob"
    Then "Bob" should respond with his <DID>

  Scenario: Revoke a previously granted capability from who has deployed
    Given "Alice" has deployed "docker_hello.yaml" on "Bob"
    And "Alice" deployment is completed
    And "Alice" ensemble should return "Hello from Docker!"
    When "Bob" revokes permission from "Alice" via "nunet"
    And "Alice" deploys "docker_hello.yaml" on "Bob"
    Then "Alice" deployment should not succeed on "Bob"
    When "Charlie" deploys "docker_hello.yaml" on "Bob"
    Then "Charlie" deployment should succeed

  Scenario: Revoke a previously granted capability by its token
    Given "Bob" grants "/dms/node/peers" to "Alice"
    And "Bob" grants "/dms/node/peers" to "Charlie"
    When "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should be answered
    When "Bob" revokes the token for "Alice"
    And "Alice" invokes "/dms/node/peers/self" of "Bob"
    Then "Alice" should not be answered
    When "Charlie" invokes "/dms/node/peers/self" of "Bob"
    Then "Charlie" should be answered

  Scenario: Retrieve list of capabilities
    When "Bob" lists its capabilities
    Then the list should show "/dms/deployment" under provide
    And the list should show "/dms/deployment" under require
    And the list should not show "/dms/node/peers" under require
    When "Bob" makes a token of "/dms/node/peers" for "Alice"
    And "Bob" anchors the token from "Bob" for "Alice" under require
    And "Bob" lists its capabilities
    Then the list should show "/dms/node/peers" under require
    When "Bob" revokes the token for "Alice"
    And "Bob" lists its capabilities
    Then the list should show "/dms/node/peers" under revoke
    And the list should not show "/dms/node/peers" under require

  Scenario: Retrieve list of capabilities of another node
    When "Alice" lists the capabilities of "Bob"
    Then "Alice" should not be answered
    When "Bob" grants "/dms/cap" to "Alice"
    And "Alice" lists the capabilities of "Bob"
    Then "Alice" should be answered
    And the list should show "/dms/deployment" under provide
    When "Alice" lists its capabilities
    Then the list should show "/dms/cap" under provide

  Scenario: Revocation broadcast
    Given "Alice" says hello to "Bob"
    And "Bob" should respond with his <DID>
    When "Nunet" revokes a token for "Alice" and "Alice" broadcasts it
    And "Alice" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    And "Charlie" should not respond with his <DID>
    When "Charlie" says hello to "Bob"
    Then "Bob" should respond with his <DID>
