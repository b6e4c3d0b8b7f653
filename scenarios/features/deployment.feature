Feature: Deployment
  Stakeholders: service providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | CP   | true      | nunet |

  Scenario Outline: Retrieve output from execution
    Given "Alice" has deployed "<ensemble>" on "Bob"
    When "Alice" deployment is completed
    Then "Alice" ensemble should return "<output>"

    Examples:
      | ensemble          | output             |
      | docker_hello.yaml | Hello from Docker! |
